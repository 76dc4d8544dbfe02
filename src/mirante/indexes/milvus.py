"""Indexes in Milvus: a cluster or a server that `MIRANTE_MILVUS_URI` names, or a file that Milvus Lite opens here.

| variant | structure | overlooks |
|---|---|---|
| `flat` | every row compared | nothing |
| `hnsw` | a graph of neighbours (Malkov & Yashunin 2018) | a few per cent |

Rows lie in one collection for each index, `mirante_…`: key, segment and vector; ids stay in the index folder.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from mirante.environment import data_root
from mirante.errors import MissingLibrary, StoreError, UsageError
from mirante.indexes import _remote
from mirante.indexes._engines import Among
from mirante.indexes._lineage import segments_of
from mirante.indexes._rows import Numbers
from mirante.types import Vectors

VARIANTS = ("flat", "hnsw")

VARIABLE, TOKEN = "MIRANTE_MILVUS_URI", "MIRANTE_MILVUS_TOKEN"

_FILE = ".db"
_MOST = 16_384
"""Results of one search or query that a server of Milvus gives."""
_ANSWERS = 1_000_000
"""Results of all queries of one call."""
_SECONDS = 30
"""How long to wait for an answer, and ten times as long until an index is built."""
_SEALED = 1000
"""Rows from which an addition is sealed, so that its index is built; fewer are compared one by one meanwhile."""
_GRAPH = {"M": 16, "efConstruction": 200}


class MilvusEngine:
    """Collections of rows; see `mirante.indexes._engines.Engine`.

    Args:
        client: of pymilvus.
        address: where it is, without user and password.
        graph: whether its collections have a graph.
    """

    def __init__(self, client: Any, address: str, *, graph: bool) -> None:
        self._client, self._address, self._graph = client, address, graph

    @property
    def address(self) -> str:
        """The server, or the file."""
        return self._address

    @property
    def graph(self) -> bool:
        """Whether its collections have a graph."""
        return self._graph

    @property
    def outlives(self) -> bool:
        """A server does, a file that is served by threads of this program does not."""
        return not self._address.endswith(_FILE)

    @property
    def most(self) -> int:
        """Candidates that one search may ask for."""
        return _MOST

    def make(self, name: str, dim: int) -> None:
        """Make an empty collection, which answers with every row whose addition it confirmed."""
        kinds = library().DataType
        schema = self._client.create_schema(auto_id=False)
        schema.add_field("key", kinds.INT64, is_primary=True)
        schema.add_field("segment", kinds.INT64)
        schema.add_field("vector", kinds.FLOAT_VECTOR, dim=dim)
        index = self._client.prepare_index_params()
        structure = {"index_type": "HNSW", "params": _GRAPH} if self._graph else {"index_type": "FLAT", "params": {}}
        index.add_index(field_name="vector", metric_type="IP", **structure)
        with self._asked():
            self._client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")

    def has(self, name: str) -> bool:
        """Whether there is such a collection; it is loaded then."""
        with self._asked():
            found = bool(self._client.has_collection(name, timeout=_SECONDS))
            if found:
                self._client.load_collection(name, timeout=10 * _SECONDS)
        return found

    def insert(self, name: str, keys: Numbers, rows: Vectors) -> None:
        """Add (n, d) rows."""
        columns = zip(keys.tolist(), segments_of(keys).tolist(), rows, strict=True)
        with self._asked():
            self._client.insert(
                name,
                [{"key": key, "segment": segment, "vector": row} for key, segment, row in columns],
                timeout=_SECONDS,
            )

    def settle(self, name: str, count: int) -> None:
        """Seal what was added, if it is much."""
        if count >= _SEALED:
            with self._asked():
                self._client.flush(name, timeout=10 * _SECONDS)

    def fetch(self, name: str, keys: Numbers) -> tuple[Numbers, Vectors]:
        """Those of the keys that are there, and their rows."""
        found: list[Mapping[str, Any]] = []
        with self._asked():
            for start in range(0, len(keys), _MOST // 2):
                part = keys[start : start + _MOST // 2].tolist()
                found += self._client.get(name, ids=part, output_fields=["vector"], timeout=_SECONDS)
        return (
            np.array([one["key"] for one in found], np.int64),
            np.array([one["vector"] for one in found], np.float32),
        )

    def find(self, name: str, queries: Vectors, ask: int, among: Among) -> tuple[Numbers, Vectors]:
        """Up to `ask` nearest rows of each query."""
        keys = np.full((len(queries), ask), -1, np.int64)
        near = np.full((len(queries), ask), -np.inf, np.float32)
        wanted = f"segment in {list(among.segments)}"
        if among.keys is not None:
            wanted += f" and key in {among.keys.tolist()}"
        effort = {"ef": max(among.reach, ask)} if self._graph else {}
        step = max(1, _ANSWERS // ask)
        with self._asked():
            for start in range(0, len(queries), step):
                answers = self._client.search(
                    name,
                    list(queries[start : start + step]),
                    filter=wanted,
                    limit=ask,
                    search_params={"metric_type": "IP", "params": effort},
                    timeout=_SECONDS,
                )
                for at, hits in enumerate(answers, start):
                    keys[at, : len(hits)], near[at, : len(hits)] = hits.ids, hits.distances
        return keys, near

    def foreign(self, name: str, segments: Sequence[int]) -> bool:
        """Whether the collection holds rows of other segments."""
        if not self.has(name):
            return False
        with self._asked():
            others = f"segment not in {list(segments)}"
            return bool(self._client.query(name, others, output_fields=["key"], limit=1, timeout=_SECONDS))

    def forget(self, name: str, segments: Sequence[int]) -> None:
        """Delete the rows of these segments."""
        with self._asked():
            self._client.delete(name, filter=f"segment in {list(segments)}", timeout=_SECONDS)

    def drop(self, name: str) -> None:
        """Delete a collection."""
        with self._asked():
            self._client.drop_collection(name, timeout=_SECONDS)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except _errors() as error:
            raise StoreError(
                f"Milvus at {self.address} does not answer, or refuses ({_line(error)}): start it, or mend {VARIABLE}."
            ) from error


def library() -> Any:
    """Pymilvus itself; what it logs of refusals, with tracebacks, is told by our errors.

    Raises:
        MissingLibrary: it is not installed.
    """
    try:
        import pymilvus
    except ImportError as error:
        raise MissingLibrary("pymilvus", "milvus", "An index of kind 'milvus-…'") from error
    for name in ("pymilvus", "milvus_lite"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return pymilvus


def create(dim: int, variant: str) -> _remote.RemoteIndex:
    """An empty index for rows of width `dim`.

    Raises:
        MissingLibrary: pymilvus, or Milvus Lite, is not installed.
        UsageError: the address cannot be read.
        StoreError: nothing answers there.
    """
    return _remote.create("milvus", _engine(variant), dim)


def open(folder: Path, variant: str) -> _remote.RemoteIndex:
    """What `save` wrote in `folder`; rows are asked for when they are needed.

    Raises:
        MissingLibrary: pymilvus, or Milvus Lite, is not installed.
        UsageError: the address cannot be read.
        StoreError: a file is missing or damaged, or Milvus does not answer or does not have the rows.
    """
    return _remote.open("milvus", _engine(variant), folder)


def _engine(variant: str) -> MilvusEngine:
    library()
    uri = os.environ.get(VARIABLE) or str(data_root(os.environ) / "mirante" / "milvus.db")
    return MilvusEngine(_client(uri, os.environ.get(TOKEN, "")), _shown(uri), graph=variant == "hnsw")


@cache
def _client(uri: str, token: str) -> Any:
    """One client for each address."""
    if uri.endswith(_FILE) and "://" not in uri:
        return _embedded(Path(uri))
    if not _readable(uri):
        raise UsageError(
            f"{VARIABLE} is not an address of Milvus: set it as 'http://host:19530', or to a file that ends in '.db'."
        )
    try:
        return library().MilvusClient(uri, token=token, timeout=_SECONDS // 3)
    except _errors() as error:
        raise StoreError(
            f"Milvus at {_shown(uri)} cannot be reached: start it, or mend {VARIABLE} and {TOKEN}."
        ) from error


def _embedded(file: Path) -> Any:
    try:
        import milvus_lite  # noqa: F401 - pymilvus asks for it by name
    except ImportError as error:
        raise MissingLibrary("milvus_lite", "milvus", f"An index of kind 'milvus-…' without {VARIABLE}") from error
    refusals: tuple[type[Exception], ...] = (OSError, *_errors())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return library().MilvusClient(str(file))
    except refusals as error:
        raise StoreError(
            f"The embedded Milvus in {str(file)!r} cannot be opened ({_line(error)}): another program may hold it, one "
            f"at a time can. Close that one, or run `milvus-lite server --data-dir {file}` and set {VARIABLE}."
        ) from error


def _readable(uri: str) -> bool:
    """Whether it is an address whose user and password can be told from the rest."""
    try:
        parts = urlsplit(uri)
        known = parts.scheme in ("http", "https", "tcp", "unix") and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return known and "@" not in parts.path + parts.query + parts.fragment


def _shown(uri: str) -> str:
    """An address without user and password."""
    parts = urlsplit(uri)
    return uri if not parts.hostname else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _errors() -> tuple[type[Exception], ...]:
    import grpc

    return (library().MilvusException, grpc.RpcError)


def _line(error: Exception) -> str:
    told = getattr(error, "message", "") or str(error)
    return (told.strip().splitlines() or [type(error).__name__])[0].strip()[:300]
