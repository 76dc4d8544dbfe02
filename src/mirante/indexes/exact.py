"""Every row compared with every query, by numpy: the oracle of the other indexes, and fast enough for 100,000 rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from mirante.indexes._ids import Ids
from mirante.indexes._ranking import check_k, rank_all
from mirante.indexes._rows import Rows, check_rows
from mirante.types import Scalar, Vectors

VARIANTS = ("",)


class ExactIndex:
    """Exact search in blocks; saved rows are mapped, not read; see `mirante.indexes.Index`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @property
    def dim(self) -> int:
        """Width d of its rows."""
        return self._rows.dim

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add (n, d) unit rows, replacing those of known ids."""
        self._rows.add(ids, vectors)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove ids; how many were there."""
        return self._rows.delete(ids)

    def search(
        self, queries: Vectors, k: int, allowed: Collection[str] | None = None
    ) -> tuple[list[list[str]], Vectors]:
        """The k best ids of each of (q, d) unit queries, and their (q, k) scores, by `TIE_RULE`."""
        checked = check_rows(queries, self.dim, "queries")
        return rank_all(self._rows, checked, check_k(k), self._rows.numbers(allowed))

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The (n, d) rows of n ids, in their order."""
        return self._rows.of(ids)

    def save(self, folder: Path) -> None:
        """Write `vectors.npy` and the ids."""
        (self._rows.compacted() if self._rows.crowded else self._rows).save(folder)

    def describe(self) -> Mapping[str, Scalar]:
        """Rows, and rows struck out that the file still holds."""
        return {"structure": "exact", "rows": len(self), "deleted": self._rows.total - len(self)}


def create(dim: int, variant: str = "") -> ExactIndex:
    """An empty index for rows of width `dim`."""
    return ExactIndex(Rows.empty(dim))


def over(ids: Sequence[str], vectors: Vectors) -> ExactIndex:
    """An index of (n, d) float32 unit rows where they lie, without a copy; they must not change while it is used."""
    return ExactIndex(Rows(vectors, Ids(ids)))


def open(folder: Path, variant: str = "") -> ExactIndex:
    """What `save` wrote in `folder`.

    Raises:
        StoreError: it is missing or damaged.
    """
    return ExactIndex(Rows.open(folder))
