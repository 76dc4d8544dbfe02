import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served_squares import ENVIRONMENT, settings
from starlette.testclient import TestClient

from mirante import encoders
from mirante.service.app import create


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One service without keys for all who only read: searching is open, writing closed."""
    app = create(settings(tmp_path_factory.mktemp("read"), keys=()), environment={})
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """A function that starts a service of one's own, with changes of its configuration; `load` opens models."""
    started: list[TestClient] = []

    def start(**changes: object) -> TestClient:
        load = changes.pop("load", encoders.load)
        app = create(settings(tmp_path, **changes), load=load, environment=ENVIRONMENT)
        started.append(TestClient(app, raise_server_exceptions=False).__enter__())
        return started[-1]

    yield start
    for one in started:
        one.__exit__(None, None, None)
