"""The page: collections searched, compared, asked and measured in the browser, without a request to the outside.

`mirante.web.page.build` lays the page out over `Shown` collections, `serve` shows it on the loopback, `mount` puts it
on an application of others.
"""

from mirante.web.server import mount, serve
from mirante.web.shown import Shown

__all__ = ["Shown", "mount", "serve"]
