"""A report is a function of saved results: it can be drawn again without a model.

`saved` groups the results by protocol; `tables`, `charts`, `galleries` and `summary` turn each group into parts in the
language of a `voice`; `page` puts them on one page.
"""

from mirante.report.page import write_report

__all__ = ["write_report"]
