"""Indexes in PostgreSQL with the extension pgvector, for those who run one: `MIRANTE_POSTGRES_URI` says where.

| variant | structure | overlooks |
|---|---|---|
| `flat` | every row compared | nothing |
| `hnsw` | a graph of neighbours (Malkov & Yashunin 2018) | a few per cent |

Rows lie in one table for each index, `mirante_…`: key, segment and vector; ids stay in the index folder.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mirante.errors import StoreError, UsageError
from mirante.indexes import _remote
from mirante.indexes._engines import Among
from mirante.indexes._lineage import segments_of
from mirante.indexes._postgres import VARIABLE, Postgres, connect, library
from mirante.indexes._rows import Numbers
from mirante.types import Vectors

VARIANTS = ("flat", "hnsw")

_WIDEST = 2000
"""Columns that pgvector's graph takes."""
_PLAIN = 1900
"""Columns of a row that fits a page of the table; wider ones are read from beside it."""
_OLDEST = (0, 8)
_NEAREST = (
    "SELECT key, -(vector <#> %(query)s::vector) FROM {} WHERE segment = ANY(%(segments)s::bigint[]) "
    "ORDER BY vector <#> %(query)s::vector LIMIT %(ask)s"
)
_NEAREST_OF = _NEAREST.replace("ORDER BY", "AND key = ANY(%(keys)s::bigint[]) ORDER BY")
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"


class PgvectorEngine:
    """Tables of rows; see `mirante.indexes._engines.Engine`."""

    def __init__(self, postgres: Postgres, *, graph: bool) -> None:
        self._postgres, self._graph = postgres, graph

    @property
    def address(self) -> str:
        """Host, port and database."""
        return self._postgres.address

    @property
    def graph(self) -> bool:
        """Whether its tables have a graph."""
        return self._graph

    @property
    def outlives(self) -> bool:
        """A server of its own does."""
        return True

    @property
    def most(self) -> int:
        """Candidates that one search may ask for."""
        return 1_000_000

    def make(self, name: str, dim: int) -> None:
        """Make an empty table, and the extension where it is missing.

        Raises:
            UsageError: the rows are too wide for the graph.
        """
        if self._graph and dim > _WIDEST:
            raise UsageError(
                f"A graph of pgvector takes rows of at most {_WIDEST} columns, not {dim}: use --kind pgvector-flat, or "
                "cut the vectors short with --dim."
            )
        self._postgres.run(_extension)
        self._run(
            f"CREATE TABLE {{}} (key bigint PRIMARY KEY, segment bigint NOT NULL, vector vector({dim}) NOT NULL)", name
        )
        if dim <= _PLAIN:
            self._run("ALTER TABLE {} ALTER vector SET STORAGE PLAIN", name)

    def has(self, name: str) -> bool:
        """Whether there is such a table."""
        return bool(self._run("SELECT to_regclass(%s) IS NOT NULL", None, (name,))[0][0])

    def insert(self, name: str, keys: Numbers, rows: Vectors) -> None:
        """Add (n, d) rows, in the binary form of PostgreSQL's COPY."""
        form = [("fields", ">i2"), ("a", ">i4"), ("key", ">i8"), ("b", ">i4"), ("segment", ">i8"), ("c", ">i4")]
        table = np.zeros(len(rows), np.dtype([*form, *_vector(rows.shape[1])]))
        table["fields"], table["a"], table["b"], table["c"] = 3, 8, 8, 4 + 4 * rows.shape[1]
        table["key"], table["segment"], table["dim"], table["row"] = keys, segments_of(keys), rows.shape[1], rows

        def work(cursor: Any) -> None:
            with cursor.copy(_sql("COPY {} (key, segment, vector) FROM STDIN (FORMAT BINARY)", name)) as copy:
                copy.write(_HEAD + table.tobytes() + _END)

        self._postgres.run(work)

    def settle(self, name: str, count: int) -> None:
        """Build the graph where it is missing, and tell the planner what is there."""
        if self._graph:
            self._run("CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw (vector vector_ip_ops)", (f"{name}_hnsw", name))
        self._run("ANALYZE {}", name)

    def fetch(self, name: str, keys: Numbers) -> tuple[Numbers, Vectors]:
        """Those of the keys that are there, and their rows."""
        ask = "SELECT key, vector_send(vector) FROM {} WHERE key = ANY(%s::bigint[])"
        found = self._run(ask, name, (keys.tolist(),))
        raw = b"".join(row for _, row in found)
        width = len(raw) // max(1, len(found)) // 4 - 1 if found else 0
        rows = np.frombuffer(raw, np.dtype(_vector(width)))["row"].astype(np.float32)
        return np.array([key for key, _ in found], np.int64), rows

    def find(self, name: str, queries: Vectors, ask: int, among: Among) -> tuple[Numbers, Vectors]:
        """Up to `ask` nearest rows of each query, one statement each."""
        keys = np.full((len(queries), ask), -1, np.int64)
        near = np.full((len(queries), ask), -np.inf, np.float32)
        statement = _sql(_NEAREST if among.keys is None else _NEAREST_OF, name)
        given = {"segments": list(among.segments), "ask": ask}
        if among.keys is not None:
            given["keys"] = among.keys.tolist()

        def work(cursor: Any) -> None:
            for setting, value in self._settings(among.reach).items():
                cursor.execute("SELECT set_config(%s, %s, true)", (setting, value))
            for at, query in enumerate(queries):
                found = cursor.execute(statement, {**given, "query": _literal(query)}).fetchall()
                if found:
                    keys[at, : len(found)], near[at, : len(found)] = zip(*found, strict=True)

        self._postgres.run(work)
        return keys, near

    def foreign(self, name: str, segments: Sequence[int]) -> bool:
        """Whether the table holds rows of other segments."""
        ask = "SELECT EXISTS (SELECT FROM {} WHERE segment <> ALL(%s::bigint[]))"
        return self.has(name) and bool(self._run(ask, name, (list(segments),))[0][0])

    def forget(self, name: str, segments: Sequence[int]) -> None:
        """Delete the rows of these segments."""
        self._run("DELETE FROM {} WHERE segment = ANY(%s::bigint[])", name, (list(segments),))

    def drop(self, name: str) -> None:
        """Delete a table."""
        self._run("DROP TABLE IF EXISTS {}", name)

    def _settings(self, reach: int) -> dict[str, str]:
        """Of one search: the graph that was measured, however few the rows; with reach 0 all of them."""
        if not self._graph:
            return {}
        if not reach:
            return {"enable_indexscan": "off"}
        return {"enable_seqscan": "off", "hnsw.ef_search": str(reach), "hnsw.iterative_scan": "strict_order"}

    def _run(self, text: str, names: str | tuple[str, ...] | None, given: Sequence[Any] = ()) -> list[Any]:
        """The rows that a statement returns, none where it returns nothing."""
        statement = _sql(text, *((names,) if isinstance(names, str) else names or ()))

        def work(cursor: Any) -> list[Any]:
            cursor.execute(statement, given or None)
            return list(cursor.fetchall()) if cursor.description else []

        return self._postgres.run(work)


def create(dim: int, variant: str) -> _remote.RemoteIndex:
    """An empty index for rows of width `dim`.

    Raises:
        MissingLibrary: psycopg is not installed.
        UsageError: no address is set, or the rows are too wide for a graph.
    """
    return _remote.create("pgvector", _engine(variant), dim)


def open(folder: Path, variant: str) -> _remote.RemoteIndex:
    """What `save` wrote in `folder`; rows are asked for when they are needed.

    Raises:
        MissingLibrary: psycopg is not installed.
        UsageError: no address is set.
        StoreError: a file is missing or damaged, or the database does not have the rows.
    """
    return _remote.open("pgvector", _engine(variant), folder)


def _engine(variant: str) -> PgvectorEngine:
    library()
    uri = os.environ.get(VARIABLE, "")
    if not uri:
        raise UsageError(
            f"{VARIABLE} is not set: set it to the address of a PostgreSQL with pgvector, such as "
            "'postgresql://user@host:5432/database'."
        )
    return PgvectorEngine(connect(uri), graph=variant == "hnsw")


def _extension(cursor: Any) -> None:
    """See that pgvector is there, and new enough to go on where a filter leaves too few rows."""
    cursor.execute("SELECT set_config('client_min_messages', 'warning', true)")
    ask = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    if not (found := cursor.execute(ask).fetchone()):
        cursor.execute("CREATE EXTENSION vector")
        found = cursor.execute(ask).fetchone()
    if tuple(int(part) for part in found[0].split(".")[:2]) < _OLDEST:
        raise StoreError(
            f"The database has pgvector {found[0]}, 0.8 or newer is needed: ALTER EXTENSION vector UPDATE."
        )


def _vector(dim: int) -> list[Any]:
    """Fields of a vector in pgvector's binary form."""
    return [("dim", ">i2"), ("unused", ">i2"), ("row", ">f4", (dim,))]


def _literal(row: Vectors) -> str:
    return f"[{','.join(map(repr, row.tolist()))}]"


def _sql(text: str, *names: str) -> Any:
    """A statement with names of tables in the place of `{}`."""
    from psycopg import sql

    return sql.SQL(text).format(*map(sql.Identifier, names))
