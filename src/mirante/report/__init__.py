"""A report is a function of saved results: it can be drawn again without a model.

`saved` reads `results.json`; `tables`, `charts` and `galleries` turn it into parts; `page` puts them on one page.
"""

from mirante.report.page import write_report

__all__ = ["write_report"]
