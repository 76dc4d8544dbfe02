"""The service: galleries behind a REST interface, in one FastAPI application.

Read `app.create` first, then one file of `routes` for each part of the interface. What a request meets on its way:
`door` (room, size, time, log), `auth` (keys), its route, and `batching`, where queries that arrive together become one
call of the encoder. `shelf` holds the open galleries.
"""

from mirante.service.settings import Key, Limits, ServiceConfig, read_config

__all__ = ["Key", "Limits", "ServiceConfig", "read_config"]
