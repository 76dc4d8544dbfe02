"""What an index asks of a database that keeps its rows, and those rows as a table that is read from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np

from mirante.errors import StoreError
from mirante.indexes._lineage import Lineage
from mirante.indexes._rows import Numbers
from mirante.types import Vectors

_CELLS = 4_194_304
"""Numbers of float32 that are sent or fetched at once: 16 MB, below every engine's limit of a message."""


@dataclass(frozen=True, slots=True)
class Among:
    """Which rows a search looks at, and how hard.

    Args:
        segments: rows of these only.
        keys: (n,) of these only; None for all rows of the segments.
        reach: candidates kept in a graph; 0 to compare every row, where the engine can.
    """

    segments: tuple[int, ...]
    keys: Numbers | None
    reach: int


class Engine(Interface):
    """Collections of rows in a database, by name; every call raises StoreError where the database does not answer."""

    @property
    def address(self) -> str:
        """Where it is, without user and password."""

    @property
    def graph(self) -> bool:
        """Whether its collections have a graph, which may overlook rows."""

    @property
    def outlives(self) -> bool:
        """Whether it answers while this program ends."""

    @property
    def most(self) -> int:
        """Candidates that one search may ask for."""

    def make(self, name: str, dim: int) -> None:
        """Make an empty collection of rows of width `dim`."""

    def has(self, name: str) -> bool:
        """Whether there is such a collection; it is made ready for searches."""

    def insert(self, name: str, keys: Numbers, rows: Vectors) -> None:
        """Add (n, d) rows under new keys; they are found by every search that starts later."""

    def settle(self, name: str, count: int) -> None:
        """All `count` rows of an addition are there: build what makes searches fast."""

    def fetch(self, name: str, keys: Numbers) -> tuple[Numbers, Vectors]:
        """Those of the different keys that are there, in any order, and their rows."""

    def find(self, name: str, queries: Vectors, ask: int, among: Among) -> tuple[Numbers, Vectors]:
        """Up to `ask` nearest rows of each of (q, d) queries, nearest first.

        Returns:
            (q, ask) keys, −1 where there are no more, and their inner products in float32, −inf there.
        """

    def foreign(self, name: str, segments: Sequence[int]) -> bool:
        """Whether a collection that may be gone holds rows of other segments than these."""

    def forget(self, name: str, segments: Sequence[int]) -> None:
        """Delete the rows of these segments."""

    def drop(self, name: str) -> None:
        """Delete a collection, which may be gone."""


@dataclass(frozen=True, slots=True)
class Stored:
    """(n, d) rows of a lineage, read from their engine when they are asked for."""

    engine: Engine
    lineage: Lineage

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.lineage.total, self.lineage.dim

    def __len__(self) -> int:
        return self.lineage.total

    def __getitem__(self, wanted: Numbers | slice) -> Vectors:
        """Copies of rows by number, (m, d).

        Raises:
            StoreError: the engine does not answer, or has lost rows.
        """
        numbers = np.arange(len(self))[wanted] if isinstance(wanted, slice) else wanted
        unique, inverse = np.unique(numbers, return_inverse=True)
        rows = np.empty((len(unique), self.lineage.dim), np.float32)
        step = step_for(self.lineage.dim)
        for start in range(0, len(unique), step):
            keys = self.lineage.keys(unique[start : start + step])
            found, read = self.engine.fetch(self.lineage.collection, keys)
            order = np.argsort(found)
            if not np.array_equal(found[order], np.sort(keys)):
                raise lost(self.lineage, len(keys) - len(found))
            rows[start + np.argsort(keys)] = read[order]
        return rows[inverse]


def step_for(dim: int) -> int:
    """Rows that are sent or fetched at once."""
    return max(1, _CELLS // dim)


def lost(lineage: Lineage, count: int) -> StoreError:
    """The error of rows that others deleted."""
    return StoreError(
        f"{count} rows of the index are gone from {lineage.collection!r} in {lineage.address}: index the data again."
    )
