"""Structures of the faiss library over numbered rows: each finds candidates, with an effort that can be chosen.

A structure is one class here; `mirante.indexes.faiss` takes it up by its place in `STRUCTURES`.
"""

import math
import os
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mirante.errors import MissingLibrary
from mirante.indexes._ranking import slack
from mirante.indexes._rows import Numbers
from mirante.indexes._tuning import Effort
from mirante.types import Scalar, Vectors

_TEN = 10
"""A search for fewer results looks at as many candidates as one for ten."""


def library() -> Any:
    """Faiss itself.

    Raises:
        MissingLibrary: it is not installed.
    """
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise MissingLibrary("faiss", "faiss", "An index of kind 'faiss-…'") from error
    return faiss


@dataclass(frozen=True)
class Among:
    """The rows that may be found: a bit for each row of the table, and their share of it."""

    bits: NDArray[np.uint8]
    share: float

    @classmethod
    def of(cls, numbers: Numbers, total: int) -> "Among":
        """Those of these numbers."""
        mask = np.zeros(total, np.bool_)
        mask[numbers] = True
        return cls(np.packbits(mask, bitorder="little"), len(numbers) / total)


class Flat:
    """Every row compared; what is found is complete where the last candidate is clearly worse than the last result."""

    minimum: ClassVar[int] = 1

    def __init__(self, made: Any) -> None:
        self.made = made

    @property
    def effort(self) -> Effort:
        """That of a search where none was chosen."""
        return Effort()

    @property
    def efforts(self) -> tuple[tuple[Effort, ...], ...]:
        """Lines of efforts, along each of which recall and time rise; none where nothing is overlooked."""
        return ()

    @classmethod
    def empty(cls, dim: int, count: int) -> "Flat":
        """One for about `count` rows of width `dim`."""
        return cls(cls.make(library(), dim, count))

    @classmethod
    def make(cls, faiss: Any, dim: int, count: int) -> Any:
        """The library's own object."""
        return faiss.IndexFlatIP(dim)

    @property
    def lesson(self) -> int:
        """How many rows it is trained on."""
        return 0

    @property
    def outgrown_at(self) -> float:
        """From how many rows it should be made anew."""
        return math.inf

    def train(self, rows: Vectors) -> None:
        """Learn from a sample."""

    def add(self, rows: Vectors) -> None:
        """Add (n, d) rows under the next numbers."""
        self.made.add(np.ascontiguousarray(rows))

    def write(self, file: str) -> None:
        """Write it to a file."""
        library().write_index(self.made, file)

    @classmethod
    def read(cls, file: str, *, mapped: bool) -> "Flat":
        """Read it from a file; one that is mapped, where it can be, does not grow.

        Raises:
            RuntimeError: of the library, where it cannot be read.
        """
        return cls(library().read_index(file, getattr(library(), "IO_FLAG_MMAP_IFC", 0) if mapped else 0))

    @property
    def width(self) -> int:
        """Columns, or bits."""
        return int(self.made.d)

    @classmethod
    def width_for(cls, dim: int) -> int:
        """Its width for rows of width `dim`."""
        return dim

    def scaled(self, effort: Effort, before: "Flat") -> Effort:
        """What an effort of the structure that this one replaces comes to here."""
        return effort

    def find(self, queries: Vectors, wanted: int, among: Among | None, effort: Effort) -> tuple[Numbers, Any]:
        """Numbers of candidates (q, c), −1 where there are fewer, and whether they are enough (q,)."""
        depth = self.depth(wanted, effort)
        near, found = self.made.search(queries, depth, params=self.parameters(depth, among, effort))
        return found, self.complete(near, found, wanted)

    def depth(self, wanted: int, effort: Effort) -> int:
        """Candidates looked for."""
        return min(self.size, wanted + 16)

    @property
    def size(self) -> int:
        """Rows in it, struck ones included."""
        return int(self.made.ntotal)

    def parameters(self, depth: int, among: Among | None, effort: Effort) -> Any:
        """The library's parameters of one search."""
        return library().SearchParameters(**_selected(among))

    def complete(self, near: Vectors, found: Numbers, wanted: int) -> NDArray[np.bool_]:
        """Which queries have what they want: here, provably."""
        enough = _enough(found, wanted)
        if near.shape[1] < self.size:
            enough &= near[:, -1] < near[:, wanted - 1] - slack(self.made.d)
        return enough

    def about(self, effort: Effort) -> dict[str, Scalar]:
        """What there is to say of it."""
        return {}


class Graph(Flat):
    """A graph of neighbours (Malkov & Yashunin 2018, arXiv 1603.09320)."""

    minimum = 1000

    @property
    def effort(self) -> Effort:
        """96 candidates kept."""
        return Effort(reach=96)

    @property
    def efforts(self) -> tuple[tuple[Effort, ...], ...]:
        """Up to 2,048 candidates."""
        kept = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
        return (tuple(Effort(reach) for reach in kept),)

    @classmethod
    def make(cls, faiss: Any, dim: int, count: int) -> Any:
        """32 neighbours a row."""
        return faiss.IndexHNSWFlat(dim, 32, faiss.METRIC_INNER_PRODUCT)

    def parameters(self, depth: int, among: Among | None, effort: Effort) -> Any:
        """More candidates where a filter leaves few rows."""
        reach = math.ceil(max(effort.reach, depth) / _share(among))
        return library().SearchParametersHNSW(efSearch=reach, **_selected(among))

    def complete(self, near: Vectors, found: Numbers, wanted: int) -> NDArray[np.bool_]:
        """Which queries have as many as they want."""
        return _enough(found, wanted)

    def about(self, effort: Effort) -> dict[str, Scalar]:
        """How many candidates a search keeps."""
        return {"candidates": effort.reach}


class Lists(Graph):
    """Rows in lists by nearest centre, of which the nearest are searched (Sivic & Zisserman 2003)."""

    @property
    def effort(self) -> Effort:
        """A sixteenth of the lists."""
        return Effort(min(self.lists, max(16, self.lists // 16)))

    @property
    def efforts(self) -> tuple[tuple[Effort, ...], ...]:
        """From one list to all of them, where nothing is overlooked."""
        return (tuple(Effort(reach) for reach in self.reaches),)

    @classmethod
    def make(cls, faiss: Any, dim: int, count: int) -> Any:
        """Empty lists."""
        return faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, lists_for(count), faiss.METRIC_INNER_PRODUCT)

    @classmethod
    def read(cls, file: str, *, mapped: bool) -> Flat:
        """Read it from a file; mapped lists are read when they are searched, and opening takes no time for each row."""
        if not mapped or os.name == "nt":
            return cls(library().read_index(file))
        made = library().read_index(file, library().IO_FLAG_MMAP)
        library().downcast_InvertedLists(made.invlists).prefetch_nthread = 0  # threads cost more than they read ahead
        return cls(made)

    @property
    def lists(self) -> int:
        """How many there are."""
        return int(self.made.nlist)

    @property
    def reaches(self) -> list[int]:
        """Numbers of lists that a search may look at, each about two fifths more than the one before."""
        steps = {round(2 ** (step / 2)) for step in range(2 * self.lists.bit_length())}
        return sorted({one for one in steps if one < self.lists} | {self.lists})

    @property
    def lesson(self) -> int:
        """64 rows a centre: more move the centres little, and the time to learn them much."""
        return 64 * self.lists

    @property
    def outgrown_at(self) -> float:
        """Four times the rows that it has lists for; the inverse of `lists_for`."""
        return 4 * max((self.lists / 4) ** 2, 39 * self.lists)

    def scaled(self, effort: Effort, before: Flat) -> Effort:
        """The same share of the lists."""
        times = self.lists / before.lists if isinstance(before, Lists) else 1.0
        return Effort(min(self.lists, math.ceil(effort.reach * times)), effort.rescored)

    def train(self, rows: Vectors) -> None:
        """Learn centres (and codes) by k-means."""
        self.made.train(rows)

    def depth(self, wanted: int, effort: Effort) -> int:
        """As many as wanted: the lists hold the rows themselves."""
        return min(self.size, wanted)

    def parameters(self, depth: int, among: Among | None, effort: Effort) -> Any:
        """More lists where a filter leaves few rows."""
        reach = min(self.lists, math.ceil(effort.reach / _share(among)))
        return library().SearchParametersIVF(nprobe=reach, **_selected(among))

    def about(self, effort: Effort) -> dict[str, Scalar]:
        """Lists, and how many a search looks at."""
        return {"lists": self.lists, "lists_searched": min(self.lists, effort.reach)}


class Codes(Lists):
    """The same lists with product-quantised codes in place of rows (Jégou et al. 2011); rows give true scores."""

    minimum = 10_000

    @property
    def effort(self) -> Effort:
        """Ten candidates a result."""
        return Effort(super().effort.reach, 10)

    @property
    def efforts(self) -> tuple[tuple[Effort, ...], ...]:
        """A line of lists for each number of candidates a result."""
        return tuple(tuple(Effort(reach, times) for reach in self.reaches) for times in (2, 5, 10, 30, 100))

    @classmethod
    def make(cls, faiss: Any, dim: int, count: int) -> Any:
        """Codes of at most 64 bytes, 4 columns or more to each."""
        parts = max(part for part in range(1, min(64, max(1, dim // 4)) + 1) if dim % part == 0)
        made = faiss.IndexIVFPQ(faiss.IndexFlatIP(dim), dim, lists_for(count), parts, 8, faiss.METRIC_INNER_PRODUCT)
        made.pq.cp.niter = 10
        return made

    @property
    def lesson(self) -> int:
        """Enough for 256 codes of each part too."""
        return max(super().lesson, 256 * 256)

    def depth(self, wanted: int, effort: Effort) -> int:
        """So many candidates a result."""
        return min(self.size, effort.rescored * max(wanted, _TEN))

    def about(self, effort: Effort) -> dict[str, Scalar]:
        """Lists, lists searched, candidates a result."""
        return {**super().about(effort), "rescored": effort.rescored}


class Signs(Graph):
    """One bit a column, its sign; the rows whose bits differ least are candidates, rows give true scores.

    Bits are compared all: 1/32 of what exact search reads. Half of a set's rows are on each side of a column's sign
    only where the column's mean is near 0; columns that are all of one sign tell nothing, which a tuned number of
    candidates makes good. Source: Charikar 2002, whose planes are the axes here.
    """

    @property
    def effort(self) -> Effort:
        """A hundred candidates a result."""
        return Effort(rescored=100)

    @property
    def efforts(self) -> tuple[tuple[Effort, ...], ...]:
        """Up to 400 candidates a result."""
        return (tuple(Effort(rescored=times) for times in (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 400)),)

    @classmethod
    def make(cls, faiss: Any, dim: int, count: int) -> Any:
        """Bits of whole bytes."""
        return faiss.IndexBinaryFlat(cls.width_for(dim))

    @classmethod
    def width_for(cls, dim: int) -> int:
        """Whole bytes."""
        return 8 * math.ceil(dim / 8)

    @classmethod
    def read(cls, file: str, *, mapped: bool) -> Flat:
        """Read it from a file, bits and all."""
        return cls(library().read_index_binary(file))

    def add(self, rows: Vectors) -> None:
        """Add the signs of (n, d) rows."""
        self.made.add(np.packbits(rows > 0, axis=1))

    def write(self, file: str) -> None:
        """Write it to a file."""
        library().write_index_binary(self.made, file)

    def find(self, queries: Vectors, wanted: int, among: Among | None, effort: Effort) -> tuple[Numbers, Any]:
        """Those whose bits are nearest."""
        return super().find(np.packbits(queries > 0, axis=1), wanted, among, effort)  # type: ignore[arg-type]

    def depth(self, wanted: int, effort: Effort) -> int:
        """So many candidates a result."""
        return min(self.size, effort.rescored * max(wanted, _TEN))

    def parameters(self, depth: int, among: Among | None, effort: Effort) -> Any:
        """Only what may be found."""
        return library().SearchParameters(**_selected(among))

    def about(self, effort: Effort) -> dict[str, Scalar]:
        """Candidates a result."""
        return {"rescored": effort.rescored}


STRUCTURES: dict[str, type[Flat]] = {
    "binary": Signs,
    "flat": Flat,
    "hnsw": Graph,
    "ivf-flat": Lists,
    "ivf-pq": Codes,
}
"""The variants of `faiss`."""


def lists_for(count: int) -> int:
    """Lists for so many rows: four times the root, but 39 rows for each, as the library wants to train on."""
    return max(1, min(int(4 * math.sqrt(count)), count // 39))


def _enough(found: Numbers, wanted: int) -> NDArray[np.bool_]:
    return np.asarray((found >= 0).sum(axis=1) >= wanted)


def _share(among: Among | None) -> float:
    return among.share if among else 1.0


def _selected(among: Among | None) -> dict[str, Any]:
    return {"sel": library().IDSelectorBitmap(among.bits)} if among else {}
