"""Indexes of the faiss library: they find candidates, the stored rows give them their true scores and order.

| variant | structure | overlooks |
|---|---|---|
| `flat` | every row compared | nothing: what its margin cannot prove complete is searched exactly |
| `hnsw` | a graph of neighbours (Malkov & Yashunin 2018) | a few per cent |
| `ivf-flat` | rows in lists by nearest centre, the nearest lists searched | a few per cent |
| `ivf-pq` | the same lists, 10 candidates a result by product-quantised codes (Jégou et al. 2011) | some more |
| `binary` | the sign of each column, 100 candidates a result by differing bits | depends much on the model |

What is overlooked is measured and tuned by `mirante.indexes.build_index`. Below a structure's `minimum` of rows nothing
is trained or built, and rows are compared one by one; so they are when a filter leaves few rows. Deleted rows are
passed over, and leave when they outnumber a quarter at a save. Lists are trained for the rows at hand, and again when
there are four times as many.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mirante.errors import StoreError
from mirante.indexes import _tuning
from mirante.indexes._files import link
from mirante.indexes._ranking import check_k, completed, rank_all, rank_pairs
from mirante.indexes._rows import Numbers, Rows, check_rows
from mirante.indexes._structures import STRUCTURES, Among, Flat, library
from mirante.indexes._tuning import Effort, Tuned
from mirante.types import Scalar, Vectors

VARIANTS = tuple(STRUCTURES)

_FILE = "faiss.index"
_BLOCK = 65536
_FEW = 1000


class FaissIndex:
    """Candidates by faiss, true scores by the rows; see `mirante.indexes.Index`.

    Args:
        variant: one of `VARIANTS`.
        rows: the table; the structure's labels are its row numbers.
        structure: one of all rows of the table, None while there are few.
        file: where `structure` is mapped from, None when it lives in memory alone.
        tuned: the effort of a search, and what was measured with it; None for the structure's own.
    """

    def __init__(
        self,
        variant: str,
        rows: Rows,
        structure: Flat | None = None,
        *,
        file: Path | None = None,
        tuned: Tuned | None = None,
    ) -> None:
        library()
        self._variant, self._rows, self._structure, self._file = variant, rows, structure, file
        self._tuned, self._tried = tuned, tuned.effort if tuned else None
        self._living: tuple[Numbers, Among] | None = None

    @property
    def dim(self) -> int:
        """Width d of its rows."""
        return self._rows.dim

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add (n, d) unit rows, replacing those of known ids."""
        if self._file is not None:  # a mapped structure cannot grow
            self._structure, self._file = _read(self._file, self._variant, mapped=False), None
        start = self._rows.total
        self._rows.add(ids, vectors)
        self._changed(len(ids))
        if self._structure is None or len(self._rows) >= self._structure.outgrown_at:
            self._build()
        else:
            self._fill(self._structure, np.arange(start, self._rows.total))

    def delete(self, ids: Iterable[str]) -> int:
        """Remove ids; how many were there."""
        gone = self._rows.delete(ids)
        self._changed(gone)
        return gone

    def search(
        self, queries: Vectors, k: int, allowed: Collection[str] | None = None
    ) -> tuple[list[list[str]], Vectors]:
        """The k best ids of each of (q, d) unit queries, and their (q, k) scores, by `TIE_RULE`."""
        checked, k, among = check_rows(queries, self.dim, "queries"), check_k(k), self._rows.numbers(allowed)
        count = self._rows.total if among is None else len(among)
        if self._structure is None or not len(checked) or count <= max(_FEW, k, self._rows.total // 10):
            return rank_all(self._rows, checked, k, among)
        found, complete = self._structure.find(checked, min(k, count), self._among(among), self.effort)
        asked, column = np.nonzero((found >= 0) & complete[:, None])
        ranked = rank_pairs(self._rows, checked, k, asked, found[asked, column])
        return completed(ranked, np.flatnonzero(~complete), self._rows, checked, among)

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The (n, d) rows of n ids, in their order."""
        return self._rows.of(ids)

    @property
    def efforts(self) -> Sequence[Sequence[Effort]]:
        """Lines of efforts, along each of which recall and time rise; none where nothing is overlooked."""
        return self._structure.efforts if self._structure else ()

    @property
    def effort(self) -> Effort:
        """That of a search: what was chosen, else the structure's own."""
        return self._tried or (self._structure.effort if self._structure else Effort())

    def try_effort(self, effort: Effort) -> None:
        """Search so from now on; nothing is said or saved of it."""
        self._tried = effort

    def keep(self, tuned: Tuned) -> None:
        """Search so from now on, and say and save what was measured."""
        self._tuned, self._tried = tuned, tuned.effort

    def save(self, folder: Path) -> None:
        """Write the rows, their ids and, where there is a structure, `faiss.index` and what was measured."""
        if self._rows.crowded:
            self._build()
        self._rows.save(folder)
        if self._structure is None:
            return
        _tuning.save(self._tuned, folder)
        if self._file is not None:
            link(self._file, folder / _FILE)
        else:
            self._structure.write(str(folder / _FILE))

    def describe(self) -> Mapping[str, Scalar]:
        """Rows, structure, effort and recall; `"exact"` while there are too few rows for a structure."""
        known: dict[str, Scalar] = {
            "structure": self._variant if self._structure is not None else "exact",
            "rows": len(self),
            "deleted": self._rows.total - len(self),
        }
        if self._structure is None:
            return {**known, "structure_from_rows": STRUCTURES[self._variant].minimum}
        return {**known, **self._structure.about(self.effort), **(self._tuned.about() if self._tuned else {})}

    def _among(self, numbers: Numbers | None) -> Among | None:
        """The rows that may be found; those of all that live are kept for the next search."""
        if numbers is None:
            return None
        kept = self._living
        if kept is not None and kept[0] is numbers:
            return kept[1]
        made = Among.of(numbers, self._rows.total)
        if numbers is self._rows.living():
            self._living = (numbers, made)
        return made

    def _changed(self, count: int) -> None:
        if self._tuned:
            self._tuned = self._tuned.after(count)

    def _build(self) -> None:
        """Make the structure anew over the living rows, if there are enough; an effort keeps its share of the lists."""
        if len(self._rows) < self._rows.total:
            self._rows = self._rows.compacted()
        before, self._structure, self._file = self._structure, None, None
        if len(self._rows) < STRUCTURES[self._variant].minimum:
            self._tuned = self._tried = None
            return
        structure = STRUCTURES[self._variant].empty(self.dim, len(self._rows))
        if structure.lesson:
            structure.train(self._sample(structure.lesson))
        self._fill(structure, None)
        self._structure = structure
        if self._tuned and before:
            scaled = structure.scaled(self._tuned.effort, before)
            self._tuned, self._tried = self._tuned.after(0, anew=scaled), scaled

    def _sample(self, most: int) -> Vectors:
        if self._rows.total <= most:
            return self._rows.take(np.arange(self._rows.total))
        drawn = np.random.default_rng(0).choice(self._rows.total, most, replace=False)
        return self._rows.take(np.sort(drawn))

    def _fill(self, structure: Flat, among: Numbers | None) -> None:
        for _, block in self._rows.blocks(among, _BLOCK):
            structure.add(block)


def _read(file: Path, variant: str, *, mapped: bool) -> Flat:
    try:
        return STRUCTURES[variant].read(str(file), mapped=mapped)
    except RuntimeError as error:
        raise StoreError(f"{str(file)!r} cannot be read as a faiss index ({error}): index the data again.") from error


def create(dim: int, variant: str) -> FaissIndex:
    """An empty index for rows of width `dim`.

    Raises:
        MissingLibrary: faiss is not installed.
    """
    return FaissIndex(variant, Rows.empty(dim))


def open(folder: Path, variant: str) -> FaissIndex:
    """What `save` wrote in `folder`, rows and structure memory-mapped.

    Raises:
        MissingLibrary: faiss is not installed.
        StoreError: it is missing or damaged.
    """
    library()
    rows, file = Rows.open(folder), folder / _FILE
    if not file.is_file():
        if rows.total >= STRUCTURES[variant].minimum:
            raise StoreError(f"{str(file)!r} is missing: index the data again.")
        return FaissIndex(variant, rows)
    structure = _read(file, variant, mapped=True)
    if structure.size != rows.total or structure.width != structure.width_for(rows.dim):
        raise StoreError(
            f"{str(file)!r} holds {structure.size} rows of width {structure.width}, the index {rows.total} of "
            f"{rows.dim}: index the data again."
        )
    return FaissIndex(variant, rows, structure, file=file, tuned=_tuning.load(folder))
