"""What the rows of an index stand for: captions, metadata and paths by id, in one SQLite file.

A catalogue is never changed in place: `derive` writes the next one beside it. It is read with one connection, opened
as immutable, which goes on working when the file's name is gone, and which threads share under a lock.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mirante.errors import DataError, StoreError, UnknownName
from mirante.types import Metadata

_SCHEMA = "CREATE TABLE entries (id TEXT PRIMARY KEY, captions TEXT NOT NULL, metadata TEXT NOT NULL, path TEXT)"
_MATCH = "id IN (SELECT entries.id FROM entries, json_each(metadata) AS f WHERE f.key = ? AND same(f.type, f.value, ?))"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is shown and filtered on for one row.

    Args:
        id: of the row.
        captions: texts of an image; for a gallery of texts, the text itself.
        metadata: fields that a search can filter on; plain values.
        path: the file behind it, where there is one.
    """

    id: str
    captions: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    path: str | None = None


class Catalogue:
    """Entries by id, and the ids that pass a filter."""

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection, self._file, self._one = connection, file, threading.Lock()
        connection.create_function("same", 3, _same, deterministic=True)

    @classmethod
    def open(cls, file: Path) -> Self:
        """Open for reading.

        Raises:
            StoreError: the file is missing or no catalogue.
        """
        try:
            connection = sqlite3.connect(f"{file.resolve().as_uri()}?immutable=1", uri=True, check_same_thread=False)
            connection.execute("SELECT id, captions, metadata, path FROM entries LIMIT 1").fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"The catalogue {str(file)!r} cannot be read ({error}): index the data again.") from error
        return cls(connection, file)

    def __del__(self) -> None:
        self._connection.close()

    def __len__(self) -> int:
        return int(self._rows("SELECT count(*) FROM entries", ())[0][0])

    def get(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Entries by id; ids that are not there are left out."""
        wanted = json.dumps(list(ids))
        query = "SELECT id, captions, metadata, path FROM entries WHERE id IN (SELECT value FROM json_each(?))"
        return {
            one: Entry(one, tuple(json.loads(captions)), json.loads(metadata), path)
            for one, captions, metadata, path in self._rows(query, (wanted,))
        }

    def matching(self, where: Mapping[str, str]) -> set[str]:
        """Ids whose metadata has every field with the value wanted, compared as text (`true` and `false` in any case).

        Raises:
            UnknownName: no entry has a field of that name.
        """
        conditions = " AND ".join([_MATCH] * len(where)) or "true"
        values = [part for pair in where.items() for part in pair]
        found = {str(row[0]) for row in self._rows(f"SELECT id FROM entries WHERE {conditions}", values)}  # noqa: S608
        if not found and where:
            known = self.fields()
            for name in where:
                if name not in known:
                    raise UnknownName("metadata field", name, known)
        return found

    def fields(self) -> tuple[str, ...]:
        """Names of the metadata fields that any entry has, sorted."""
        rows = self._rows("SELECT DISTINCT f.key FROM entries, json_each(metadata) AS f ORDER BY f.key", ())
        return tuple(row[0] for row in rows)

    def values(self, name: str, most: int) -> tuple[str, ...]:
        """The values of a field as a filter takes them, sorted; none where there are more than `most`."""
        query = "SELECT DISTINCT f.type, f.value FROM entries, json_each(metadata) AS f WHERE f.key = ? LIMIT ?"
        found = {
            kind if kind in ("true", "false") else str(value) for kind, value in self._rows(query, (name, most + 1))
        }
        return tuple(sorted(found)) if len(found) <= most else ()

    def _rows(self, query: str, values: Iterable[str | int]) -> list[tuple[str, ...]]:
        try:
            with self._one:
                return self._connection.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise StoreError(
                f"The catalogue {str(self._file)!r} cannot be read ({error}): index the data again."
            ) from error


def derive(file: Path, before: Catalogue | None, entries: Iterable[Entry], deleted: Iterable[str] = ()) -> None:
    """Write a catalogue: that of `before` without `deleted`, with `entries` added or replaced.

    Raises:
        DataError: an entry's metadata is not plain values.
        StoreError: the disk cannot be written.
    """
    rows = [(one.id, json.dumps(list(one.captions), ensure_ascii=False), _plain(one), one.path) for one in entries]
    connection = sqlite3.connect(file)
    try:
        connection.execute("PRAGMA journal_mode = OFF")  # an unfinished file is never opened
        connection.execute("PRAGMA synchronous = OFF")  # the whole generation is made durable at once
        if before is None:
            connection.execute(_SCHEMA)
        else:
            with before._one:
                before._connection.backup(connection)
        with connection:
            connection.executemany("DELETE FROM entries WHERE id = ?", ((one,) for one in deleted))
            connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", rows)
    except sqlite3.Error as error:
        raise StoreError(f"The catalogue {str(file)!r} cannot be written ({error}): check the disk.") from error
    finally:
        connection.close()


def _plain(entry: Entry) -> str:
    if "\0" in entry.id:
        raise DataError(f"The id {entry.id!r} holds a zero character, at which SQLite ends a text: leave it out.")
    wrong = [name for name, value in entry.metadata.items() if type(value) not in (str, int, float, bool)]
    if not wrong:
        try:
            return json.dumps(dict(entry.metadata), ensure_ascii=False, allow_nan=False)
        except ValueError:
            wrong = [name for name, value in entry.metadata.items() if value != value or value in (1e999, -1e999)]
    raise DataError(
        f"The metadata field {wrong[0]!r} of {entry.id!r} is {entry.metadata[wrong[0]]!r}: "
        "use text, whole or finite numbers, or true and false."
    )


def _same(kind: str, value: str | int | float | None, wanted: str) -> bool:
    return kind == wanted.casefold() if kind in ("true", "false") else str(value) == wanted
