"""Indexes of the faiss library: they find candidates, the stored rows give them their true scores and order.

| variant | structure | overlooks |
|---|---|---|
| `flat` | every row compared | nothing: what its margin cannot prove complete is searched exactly |
| `hnsw` | a graph of neighbours (Malkov & Yashunin 2018) | a few per cent |
| `ivf-flat` | rows in lists by nearest centre, the nearest lists searched | a few per cent |
| `ivf-pq` | the same lists, 10 candidates a result by product-quantised codes (Jégou et al. 2011) | some more |

Below a variant's `MINIMUM` of rows nothing is trained or built, and rows are compared one by one; so they are when a
filter leaves few rows. Deleted rows are passed over, and leave when they outnumber a quarter at a save. Lists are
trained for the rows at hand, and again when there are four times as many.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mirante.errors import MissingLibrary, StoreError
from mirante.indexes._ranking import check_k, rank_all, rank_pairs, slack
from mirante.indexes._rows import Numbers, Rows, check_rows, link
from mirante.types import Scalar, Vectors

VARIANTS = ("flat", "hnsw", "ivf-flat", "ivf-pq")

MINIMUM = {"flat": 1, "hnsw": 1000, "ivf-flat": 1000, "ivf-pq": 10_000}
"""Rows from which a structure is worth it: faiss wants 39 rows for each centre and each of 256 codes."""
NEIGHBOURS = 32
EFFORT = 96
"""Candidates that the search in a graph keeps; more finds more and takes longer."""
_FILE = "faiss.index"
_BLOCK = 65536
_FEW = 1000
_GROWTH = 4


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise MissingLibrary("faiss", "faiss", "An index of kind 'faiss-…'") from error
    return faiss


class FaissIndex:
    """Candidates by faiss, true scores by the rows; see `mirante.indexes.Index`.

    Args:
        variant: one of `VARIANTS`.
        rows: the table; the structure's labels are its row numbers.
        structure: a faiss index of all rows of the table, None while there are few.
        file: where `structure` is mapped from, None when it lives in memory alone.
    """

    def __init__(self, variant: str, rows: Rows, structure: Any = None, file: Path | None = None) -> None:
        self._faiss = _faiss()
        self._variant, self._rows, self._structure, self._file = variant, rows, structure, file

    @property
    def dim(self) -> int:
        """Width d of its rows."""
        return self._rows.dim

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add (n, d) unit rows, replacing those of known ids."""
        if self._file is not None:  # a mapped structure cannot grow
            self._structure, self._file = _read(self._file, 0), None
        start = self._rows.total
        self._rows.add(ids, vectors)
        if self._structure is None or self._outgrown():
            self._build()
        else:
            self._fill(self._structure, np.arange(start, self._rows.total))

    def delete(self, ids: Iterable[str]) -> int:
        """Remove ids; how many were there."""
        return self._rows.delete(ids)

    def search(
        self, queries: Vectors, k: int, allowed: Collection[str] | None = None
    ) -> tuple[list[list[str]], Vectors]:
        """The k best ids of each of (q, d) unit queries, and their (q, k) scores, by `TIE_RULE`."""
        checked, k, among = check_rows(queries, self.dim, "queries"), check_k(k), self._rows.numbers(allowed)
        count = self._rows.total if among is None else len(among)
        if self._structure is None or not len(checked) or count <= max(_FEW, k, self._rows.total // 10):
            return rank_all(self._rows, checked, k, among)
        found, complete = self._candidates(checked, min(k, count), among, count)
        asked, column = np.nonzero((found >= 0) & complete[:, None])
        answers, table = rank_pairs(self._rows, checked, k, asked, found[asked, column])
        rest = np.flatnonzero(~complete)
        if len(rest):
            others, table[rest] = rank_all(self._rows, checked[rest], k, among)
            for query, other in zip(rest.tolist(), others, strict=True):
                answers[query] = other
        return answers, table

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The (n, d) rows of n ids, in their order."""
        return self._rows.of(ids)

    def save(self, folder: Path) -> None:
        """Write `vectors.npy`, `ids.json` and, where there is a structure, `faiss.index`."""
        if self._rows.crowded:
            self._build()
        self._rows.save(folder)
        if self._structure is None:
            return
        if self._file is not None:
            link(self._file, folder / _FILE)
        else:
            self._faiss.write_index(self._structure, str(folder / _FILE))

    def describe(self) -> Mapping[str, Scalar]:
        """Rows and structure; `"exact"` while there are too few rows for one."""
        known: dict[str, Scalar] = {
            "structure": self._variant if self._structure is not None else "exact",
            "rows": len(self),
            "deleted": self._rows.total - len(self),
        }
        if self._structure is None:
            return {**known, "structure_from_rows": MINIMUM[self._variant]}
        if self._variant.startswith("ivf"):
            return {**known, "lists": int(self._structure.nlist), "lists_searched": self._probes()}
        return known

    def _candidates(
        self, queries: Vectors, wanted: int, among: Numbers | None, count: int
    ) -> tuple[Numbers, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Row numbers (q, m), −1 where none, and for which queries they will do."""
        depth = {"flat": wanted + 16, "ivf-pq": max(10 * wanted, 100)}.get(self._variant, wanted)
        depth = min(depth, count)
        near, found = self._structure.search(queries, depth, params=self._parameters(depth, among))
        complete = (found >= 0).sum(axis=1) >= wanted
        if self._variant == "flat" and depth < count:
            complete &= near[:, depth - 1] < near[:, wanted - 1] - slack(self.dim)
        return found, complete

    def _parameters(self, depth: int, among: Numbers | None) -> Any:
        chosen: dict[str, Any] = {}
        share = 1.0
        if among is not None:
            mask = np.zeros(self._rows.total, np.bool_)
            mask[among] = True
            share = len(among) / len(mask)
            chosen["sel"] = self._faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        if self._variant == "hnsw":
            return self._faiss.SearchParametersHNSW(efSearch=math.ceil(max(EFFORT, 2 * depth) / share), **chosen)
        if self._variant.startswith("ivf"):
            return self._faiss.SearchParametersIVF(nprobe=self._probes(share), **chosen)
        return self._faiss.SearchParameters(**chosen)

    def _probes(self, share: float = 1.0) -> int:
        """Lists to search, more of them where a filter leaves a `share` of the rows."""
        lists = int(self._structure.nlist)
        return min(lists, math.ceil(max(16, lists // 16) / share))

    def _outgrown(self) -> bool:
        if not self._variant.startswith("ivf"):
            return False
        lists = int(self._structure.nlist)
        trained_on = max((lists / 4) ** 2, 39 * lists)  # the inverse of `_lists`
        return len(self._rows) >= _GROWTH * trained_on

    def _build(self) -> None:
        """Make the structure anew over the living rows, if there are enough."""
        if len(self._rows) < self._rows.total:
            self._rows = self._rows.compacted()
        self._structure, self._file = None, None
        if len(self._rows) < MINIMUM[self._variant]:
            return
        structure = self._empty_structure(len(self._rows))
        if not structure.is_trained:
            structure.train(self._sample(256 * max(structure.nlist, 256)))
        self._fill(structure, None)
        self._structure = structure

    def _empty_structure(self, count: int) -> Any:
        library, dim = self._faiss, self.dim
        if self._variant == "hnsw":
            return library.IndexHNSWFlat(dim, NEIGHBOURS, library.METRIC_INNER_PRODUCT)
        coarse = library.IndexFlatIP(dim)
        if self._variant == "flat":
            return coarse
        lists = _lists(count)
        if self._variant == "ivf-flat":
            structure = library.IndexIVFFlat(coarse, dim, lists, library.METRIC_INNER_PRODUCT)
        else:
            parts = max(part for part in range(1, min(64, max(1, dim // 4)) + 1) if dim % part == 0)
            structure = library.IndexIVFPQ(coarse, dim, lists, parts, 8, library.METRIC_INNER_PRODUCT)
            structure.pq.cp.niter = 10
        return structure

    def _sample(self, most: int) -> Vectors:
        if self._rows.total <= most:
            return self._rows.take(np.arange(self._rows.total))
        drawn = np.random.default_rng(0).choice(self._rows.total, most, replace=False)
        return self._rows.take(np.sort(drawn))

    def _fill(self, structure: Any, among: Numbers | None) -> None:
        for _, block in self._rows.blocks(among, _BLOCK):
            structure.add(np.ascontiguousarray(block))


def _lists(count: int) -> int:
    return max(1, min(int(4 * math.sqrt(count)), count // 39))


def _read(file: Path, flags: int) -> Any:
    library = _faiss()
    try:
        return library.read_index(str(file), flags)
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
    rows, file = Rows.open(folder), folder / _FILE
    if not file.is_file():
        if rows.total >= MINIMUM[variant]:
            raise StoreError(f"{str(file)!r} is missing: index the data again.")
        return FaissIndex(variant, rows)
    structure = _read(file, getattr(_faiss(), "IO_FLAG_MMAP_IFC", 0))
    if structure.ntotal != rows.total or structure.d != rows.dim:
        raise StoreError(
            f"{str(file)!r} holds {structure.ntotal} rows of width {structure.d}, the index {rows.total} of "
            f"{rows.dim}: index the data again."
        )
    return FaissIndex(variant, rows, structure, file)
