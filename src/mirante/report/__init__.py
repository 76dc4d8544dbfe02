"""A report is a function of saved results: it can be drawn again without a model.

`saved` groups the results by protocol; `tables`, `standing`, `charts`, `galleries` and `summary` turn each group into
parts in the language of a `voice`; `page` puts them on one page.
"""

from mirante.report.page import write_report
from mirante.report.thumbnails import save_thumbnails

__all__ = ["save_thumbnails", "write_report"]
