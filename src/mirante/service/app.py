"""The application, from its configuration to its routes."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from mirante import encoders
from mirante.errors import MissingLibrary
from mirante.service.settings import ServiceConfig

try:
    from anyio.to_thread import current_default_thread_limiter
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware
except ModuleNotFoundError as error:
    raise MissingLibrary("fastapi", "serve", "The service") from error

from mirante import __version__
from mirante.asking import Settings
from mirante.generation import open_generator, read_template
from mirante.service.auth import Keys
from mirante.service.desk import Desk
from mirante.service.door import Door
from mirante.service.metrics import Metrics
from mirante.service.pictures import Pictures
from mirante.service.refusals import handle
from mirante.service.routes import asking, indexes, items, reading, searching, status
from mirante.service.shelf import Load, Shelf

_ABOUT = """Search pictures by texts, pictures and sums of them; add, delete, classify; see `mirante serve`.

Errors are one document: `{"error": {"what", "message", "reason"}}`. Where keys are configured, send one as
`Authorization: Bearer KEY`; its scopes are `search`, `write`, `admin` and `metrics`."""


def create(
    config: ServiceConfig,
    *,
    load: Load = encoders.load,
    environment: Mapping[str, str] = os.environ,
    mount: Callable[[FastAPI, Shelf], FastAPI] | None = None,
) -> FastAPI:
    """The service over galleries that are opened now.

    Args:
        config: what is served.
        load: opens a model's address.
        environment: holds the keys, by the names that the configuration gives.
        mount: adds a page to the application, beside the service's own routes.

    Raises:
        UsageError: a key is not set, or a name is wrong.
        StoreError: an index cannot be opened.
        ModelMismatch: a model is not the one that made an index.
        MissingLibrary: a model, a re-ranker, a generator or a kind of index needs a library that is not installed.
    """
    keys, metrics = Keys.read(config.keys, environment), Metrics()

    def observe(kind: str, size: int, seconds: float) -> None:
        metrics.measure("mirante_batch_items", size, kind=kind)
        metrics.measure("mirante_encode_seconds", seconds, kind=kind)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = config.limits.requests + 8
        yield

    # The page that FastAPI draws for /docs fetches scripts from elsewhere; /openapi.json is enough for any reader.
    app = FastAPI(
        title="Mirante", version=__version__, description=_ABOUT, lifespan=life, docs_url=None, redoc_url=None
    )
    shelf = Shelf(config, load, observe)
    template = read_template(Path(config.template)) if config.template else None
    app.state.desk = Desk(
        config,
        shelf,
        keys,
        metrics,
        Pictures(config.limits),
        open_generator(config.generator),
        Settings(template=template),
        BoundedSemaphore(config.limits.answers),
    )
    handle(app)
    routers: Any = (status.public, status.router, searching.router, reading.router, items.router, indexes.router)
    for router in (*routers, asking.router, indexes.admin):
        app.include_router(router)
    app.add_middleware(Door, limits=config.limits, metrics=metrics)
    if config.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(config.cors),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
            expose_headers=["Retry-After", "X-Request-Id"],
        )
    return mount(app, shelf) if mount else app
