"""What the routes share: the shelf, the keys, the limits, the counters and the generator of one service."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Annotated, Any

from fastapi import Depends, Request

from mirante.asking import Settings
from mirante.generation import Generator
from mirante.service.auth import Keys
from mirante.service.metrics import Metrics
from mirante.service.pictures import Pictures
from mirante.service.settings import ServiceConfig
from mirante.service.shelf import Shelf


@dataclass(frozen=True)
class Desk:
    """One service at work."""

    config: ServiceConfig
    shelf: Shelf
    keys: Keys
    metrics: Metrics
    pictures: Pictures
    generator: Generator
    settings: Settings
    answering: BoundedSemaphore


async def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


AtDesk = Annotated[Desk, Depends(_desk)]


def note(request: Request, query: Mapping[str, Any]) -> None:
    """Let the log say what was asked, where the configuration allows it."""
    if request.app.state.desk.config.log_queries:
        request.state.query = dict(query)
