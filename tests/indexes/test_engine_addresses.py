"""Where an engine is: variables, and what is said of wrong ones; no engine runs."""

import sys

import pytest

from mirante.errors import MissingLibrary, UsageError
from mirante.indexes import create_index, milvus
from mirante.indexes._postgres import Postgres


def test_postgres_must_have_an_address(monkeypatch):
    monkeypatch.delenv("MIRANTE_POSTGRES_URI", raising=False)
    with pytest.raises(UsageError, match=r"MIRANTE_POSTGRES_URI is not set: set it to the address of a PostgreSQL"):
        create_index("pgvector-flat", 2)


@pytest.mark.parametrize(
    ("kind", "variable", "address"),
    [
        ("pgvector-flat", "MIRANTE_POSTGRES_URI", "sesame"),
        ("pgvector-hnsw", "MIRANTE_POSTGRES_URI", "postgresql://ana:sesame@host/db?sesam=1"),
        ("milvus-flat", "MIRANTE_MILVUS_URI", "sesame"),
        ("milvus-hnsw", "MIRANTE_MILVUS_URI", "ftp://ana:sesame@host"),
        ("milvus-flat", "MIRANTE_MILVUS_URI", "http://ana:sesam/e@host:19530"),
        ("milvus-flat", "MIRANTE_MILVUS_URI", "http://ana:sesam?e@host:19530"),
        ("milvus-flat", "MIRANTE_MILVUS_URI", "http://host:sesam"),
        ("milvus-flat", "MIRANTE_MILVUS_URI", "ftp://host/sesam.db"),
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(kind, variable, address, monkeypatch):
    monkeypatch.setenv(variable, address)
    with pytest.raises(UsageError, match=f"{variable} is not an address") as error:
        create_index(kind, 2)
    assert "sesam" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ana:sesame@host:5433/photos", "host:5433/photos"),
        ("host=/run/postgresql dbname=photos password=sesame", "/run/postgresql/photos"),
        ("postgresql://", "localhost/"),
    ],
)
def test_an_address_of_postgres_is_shown_without_the_user(uri, shown):
    assert Postgres(uri).address == shown


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ana:sesame@host:19530/photos", "http://host:19530/photos"),
        ("https://host", "https://host"),
        ("/data/milvus.db", "/data/milvus.db"),
    ],
)
def test_an_address_of_milvus_is_shown_without_the_user(uri, shown):
    assert milvus._shown(uri) == shown


@pytest.mark.parametrize(("kind", "library"), [("pgvector-flat", "psycopg"), ("milvus-hnsw", "pymilvus")])
def test_a_missing_library_is_named_with_its_extra(kind, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match=rf"mirante\[{kind.partition('-')[0]}\]"):
        create_index(kind, 2)


def test_without_an_address_milvus_is_a_file_of_the_user(monkeypatch, tmp_path):
    asked = []
    monkeypatch.delenv("MIRANTE_MILVUS_URI", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(milvus, "_client", lambda uri, token: asked.append(uri))
    index = create_index("milvus-flat", 2)
    assert asked == [str(tmp_path / "mirante" / "milvus.db")]
    assert index.describe()["address"] == asked[0]
