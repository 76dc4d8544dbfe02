"""A set of strings that only tells whether one is new, in the same memory however many there are."""

import sqlite3
from collections.abc import Iterable
from hashlib import sha256

from mirante.errors import StoreError

_CACHE_KIB = 256


class Seen:
    """Strings by 16 bytes of their SHA-256, in an unnamed file that dies with the process: some 30 bytes each.

    Args:
        strings: the first ones.

    Raises:
        StoreError: the disk of temporary files is full; also while adding.
    """

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self._table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_CACHE_KIB}"):
            self._table.execute(f"PRAGMA {setting}")
        self._table.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        for one in strings:
            self.add(one)

    def __contains__(self, one: str) -> bool:
        return self._table.execute("SELECT 1 FROM seen WHERE digest = ?", (_digest(one),)).fetchone() is not None

    def add(self, one: str) -> bool:
        """Remember `one`; whether it was new."""
        try:
            return self._table.execute("INSERT OR IGNORE INTO seen VALUES (?)", (_digest(one),)).rowcount > 0
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"The folder of temporary files cannot be written ({error}): free some space there, or set TMPDIR to "
                "another folder, then run the same command again."
            ) from error


def _digest(one: str) -> bytes:
    return sha256(one.encode("utf-8", "surrogatepass")).digest()[:16]
