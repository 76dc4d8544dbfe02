"""The search page: one gallery, one encoder, in the browser, in English or Portuguese, without an outside request.

`mirante.web.page.build` lays the page out, `serve` shows it on the loopback.
"""

from mirante.web.server import serve

__all__ = ["serve"]
