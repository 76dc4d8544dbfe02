"""Rows and their ids as a table that grows: a part on disk, a part in memory, and rows struck out.

A row keeps its number until `compacted`, so that structures built over the rows (graphs, inverted lists) can refer
to it. Deleting or replacing an id strikes its row out; the file keeps the struck rows until they outnumber a quarter.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from typing import Protocol as Interface

import numpy as np

from mirante.errors import DataError, StoreError
from mirante.indexes._files import link, mapped
from mirante.indexes._ids import Ids, Numbers
from mirante.types import Vectors

__all__ = ["UNIT_TOLERANCE", "Base", "Numbers", "Rows", "check_added", "check_rows"]

UNIT_TOLERANCE = 2e-3
"""How far a norm may be from 1: rows that went through float16 pass, rows that nobody normalised do not."""
_COPY = 65536


class Base(Interface):
    """(n, d) rows by number, wherever they lie: an array, or one that is read from elsewhere."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, d)."""

    def __len__(self) -> int:
        """Number n of rows."""

    def __getitem__(self, wanted: Any, /) -> Any:
        """(m, d) float32 rows by (m,) numbers, or of a slice."""


class Rows:
    """(n, d) unit rows under ids; `base` is what was saved, `file` where it lies."""

    def __init__(self, base: Base, ids: Ids, file: Path | None = None) -> None:
        self._base, self._ids, self._file = base, ids, file
        self._tail: Vectors = np.empty((0, base.shape[1]), np.float32)
        self._living: Numbers | None = None

    @classmethod
    def empty(cls, dim: int) -> Self:
        """No rows of width `dim`."""
        return cls(np.empty((0, dim), np.float32), Ids())

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what `save` wrote; neither rows nor ids are read into memory.

        Raises:
            StoreError: a file is missing, cut short, or they do not agree.
        """
        file = folder / "vectors.npy"
        base, ids = mapped(file), Ids.open(folder)
        if base.ndim != 2 or base.dtype != np.float32 or ids.total != len(base):
            raise StoreError(
                f"The index files in {str(folder)!r} do not agree ({base.dtype} {base.shape} for {ids.total} ids): "
                "index the data again."
            )
        return cls(base, ids, file)

    @property
    def dim(self) -> int:
        """Width d."""
        return int(self._base.shape[1])

    @property
    def total(self) -> int:
        """Rows in the table, struck ones included; the next row gets this number."""
        return self._ids.total

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Append rows; the old row of a known id is struck out."""
        checked = check_added(ids, vectors, self.dim)
        used = self.total - len(self._base)
        if used + len(checked) > len(self._tail):
            grown = np.empty((max(2 * len(self._tail), used + len(checked)), self.dim), np.float32)
            grown[:used] = self._tail[:used]
            self._tail = grown
        self._tail[used : used + len(checked)] = checked
        self._ids.extend(ids)
        self._living = None

    def delete(self, ids: Iterable[str]) -> int:
        """Strike out the rows of `ids`; how many there were."""
        self._living = None
        return self._ids.strike(ids)

    def living(self) -> Numbers | None:
        """Numbers of the rows not struck out, ascending; None when that is all of them."""
        if len(self) == self.total:
            return None
        if self._living is None:
            self._living = self._ids.living()
        return self._living

    def numbers(self, allowed: Collection[str] | None) -> Numbers | None:
        """Numbers of the rows that may be found, ascending; None for every row of the table."""
        if allowed is None:
            return self.living()
        found = {number for number in self._ids.find(list(allowed)) if number is not None}
        return np.array(sorted(found), np.int64)

    def names(self, numbers: Numbers) -> list[str]:
        """Ids of living rows."""
        return self._ids.names(numbers.tolist())

    def of(self, ids: Sequence[str]) -> Vectors:
        """Copies of the rows of ids, (m, d).

        Raises:
            DataError: an id has no row.
        """
        found = self._ids.find(ids)
        missing = [one for one, number in zip(ids, found, strict=True) if number is None]
        if missing:
            raise DataError(f"{len(missing)} ids are not in the index, first {missing[0]!r}: leave them out.")
        return self.take(np.array(found, np.int64))

    def take(self, numbers: Numbers) -> Vectors:
        """Copies of rows by number, (m, d)."""
        start = len(self._base)
        if not len(numbers) or numbers.max() < start:
            return np.asarray(self._base[numbers])
        rows = np.empty((len(numbers), self.dim), np.float32)
        early = numbers < start
        rows[early] = self._base[numbers[early]]
        rows[~early] = self._tail[numbers[~early] - start]
        return rows

    def blocks(self, among: Numbers | None, size: int) -> Iterator[tuple[Numbers, Vectors]]:
        """Yield (numbers, rows) of at most `size` rows, views where every row of a block is wanted."""
        if among is not None:
            for start in range(0, len(among), size):
                numbers = among[start : start + size]
                yield numbers, self.take(numbers)
            return
        for offset, part in ((0, self._base), (len(self._base), self._tail[: self.total - len(self._base)])):
            for start in range(0, len(part), size):
                block = part[start : start + size]
                yield np.arange(offset + start, offset + start + len(block)), block

    def compacted(self) -> "Rows":
        """The living rows alone, renumbered in order."""
        living = self._ids.living()
        return Rows(self.take(living), Ids(self.names(living)))

    @property
    def crowded(self) -> bool:
        """Whether struck rows outnumber a quarter of the table, so that saving should leave them out."""
        return 4 * (self.total - len(self)) > self.total

    def save(self, folder: Path) -> None:
        """Write `vectors.npy` and the ids; an unchanged matrix is linked, not copied.

        Raises:
            StoreError: the folder holds vectors already, which some index may have mapped.
        """
        target = folder / "vectors.npy"
        if target.exists():
            raise StoreError(f"{str(folder)!r} holds an index already: save into an empty folder.")
        if self._file is not None and self.total == len(self._base):
            link(self._file, target)
        else:
            out = np.lib.format.open_memmap(target, "w+", np.float32, (self.total, self.dim))
            for numbers, block in self.blocks(None, _COPY):
                out[numbers[0] : numbers[0] + len(block)] = block
            out.flush()
        self._ids.save(folder)


def check_added(ids: Sequence[str], vectors: Vectors, dim: int) -> Vectors:
    """The rows as `check_rows` returns them, if each has an id of its own.

    Raises:
        DataError: wrong shape, a row whose norm is not 1, or not one different id for each row.
    """
    checked = check_rows(vectors, dim, "vectors")
    if len(ids) != len(checked) or len(set(ids)) != len(ids):
        raise DataError(
            f"An index needs one id for each row, not {len(set(ids))} different ids in {len(ids)} for "
            f"{len(checked)} rows: give each row its own id."
        )
    return checked


def check_rows(vectors: Vectors, dim: int, what: str) -> Vectors:
    """The rows as contiguous float32, if they are (n, d) of length 1.

    Rows of another length are refused, not mended: a silent division would hide that something upstream went wrong.

    Raises:
        DataError: wrong shape, or a row whose norm is not 1 (NaN included).
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise DataError(
            f"The {what} have shape {vectors.shape}, this index holds rows of width {dim}: use vectors of (n, {dim}), "
            "made by the model that made the index."
        )
    rows = np.ascontiguousarray(vectors, np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    wrong = np.flatnonzero(~(np.abs(norms - 1) <= UNIT_TOLERANCE))
    if len(wrong):
        raise DataError(
            f"{len(wrong)} of {len(rows)} {what} are not of length 1, the first has length {norms[wrong[0]]:.4g}: "
            "divide each row by its norm first."
        )
    return rows
