"""Connections to one PostgreSQL: lent to one thread at a time, kept for the next, made anew where the server went."""

import atexit
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from mirante.errors import MissingLibrary, StoreError, UsageError

T = TypeVar("T")

VARIABLE = "MIRANTE_POSTGRES_URI"
_EXAMPLE = "postgresql://user@host:5432/database"
_SECONDS = 10
"""How long to wait for a server that does not answer, where the address does not say."""


def library() -> Any:
    """Psycopg itself.

    Raises:
        MissingLibrary: it is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise MissingLibrary("psycopg", "pgvector", "An index of kind 'pgvector-…'") from error
    return psycopg


class Postgres:
    """One database.

    Args:
        uri: of libpq, `postgresql://…` or `host=… dbname=…`; never shown.
    """

    def __init__(self, uri: str) -> None:
        self._psycopg = library()
        self._idle: deque[Any] = deque()
        try:
            self._parts = self._psycopg.conninfo.conninfo_to_dict(uri)
        except self._psycopg.ProgrammingError:
            raise UsageError(f"{VARIABLE} is not an address of PostgreSQL: set it as {_EXAMPLE!r}.") from None
        self._parts.setdefault("connect_timeout", _SECONDS)

    @property
    def address(self) -> str:
        """Host, port and database, without user and password."""
        host, port = (self._parts.get(name) for name in ("host", "port"))
        where = f"{host or 'localhost'}:{port}" if port else str(host or "localhost")
        return f"{where}/{self._parts.get('dbname') or ''}"

    def run(self, work: Callable[[Any], T]) -> T:
        """What `work` returns for a cursor, in a transaction of its own; asked again where a kept connection was cut.

        Raises:
            StoreError: the server does not answer, or refuses.
        """
        while True:
            kept = self._taken()
            connection = kept or self._connect()
            try:
                with connection.transaction(), connection.cursor(binary=True) as cursor:
                    made = work(cursor)
            except self._psycopg.OperationalError as error:
                connection.close()
                if kept is None:
                    raise self._refused(error) from error
            except self._psycopg.Error as error:
                connection.close()
                raise self._refused(error) from error
            except BaseException:
                connection.close()
                raise
            else:
                self._idle.append(connection)
                return made

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while connection := self._taken():
            connection.close()

    def _taken(self) -> Any:
        """A connection that nobody uses, None where there is none."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connect(self) -> Any:
        try:
            return self._psycopg.connect(autocommit=True, prepare_threshold=None, **self._parts)
        except self._psycopg.Error as error:
            raise StoreError(
                f"PostgreSQL at {self.address} cannot be reached ({_line(error)}): start it, or mend {VARIABLE}."
            ) from error

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(f"PostgreSQL at {self.address} refuses ({_line(error)}): see its log, and {VARIABLE}.")


@cache
def connect(uri: str) -> Postgres:
    """The database of an address; one object for each.

    Raises:
        MissingLibrary: psycopg is not installed.
        UsageError: the address cannot be read.
    """
    made = Postgres(uri)
    atexit.register(made.close)
    return made


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
