"""An index built whole: its kind chosen, its recall measured or brought to a target, another kind where it misses.

The queries are captions where there are some: texts and pictures of a CLIP lie apart, so that a picture asked for
pictures finds its own kind more easily than a text does. Without captions a sample of the rows is left out, asked, and
added when all is measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

import numpy as np

from mirante.errors import DataError, UsageError
from mirante.indexes import _tuning, exact
from mirante.indexes._kinds import Index, create_index
from mirante.indexes._tuning import Sample, Tuned
from mirante.types import Embeddings, Vectors

Reason: TypeAlias = Literal["asked", "few", "no-faiss", "fits", "codes"]
Missed: TypeAlias = Literal["recall", "slow", "unmeasured"]

AUTO = "auto"
RECALL = 0.98
"""What `auto` brings an approximate index to, where nothing else is asked for."""
K = 10
"""Answers of a query that recall counts."""
QUERIES = 1000
"""Most queries that an index is measured with."""
_LEAST = 20
_SMALL = 50_000_000
"""Bytes of rows that are compared one by one in about 5 ms, at 10 GB/s."""
_NEXT = {
    "faiss-binary": ("faiss-ivf-pq", "faiss-ivf-flat", "exact"),
    "faiss-ivf-pq": ("faiss-ivf-flat", "exact"),
    "faiss-hnsw": ("faiss-ivf-flat", "exact"),
    "milvus-hnsw": ("milvus-flat",),
    "pgvector-hnsw": ("pgvector-flat",),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The kind that was to be built, and why.

    Args:
        asked: the kind asked for, or `"auto"`.
        kinds: what is built first, and what takes its place where it misses the target.
        reason: `asked`; `few`: comparing all rows is fast; `no-faiss`: the library is missing; `fits`: the rows fit in
            memory twice; `codes`: they do not.
        rows: how many.
        dim: width of a row.
        needed: bytes of the rows.
        memory: bytes at hand, 0 where nobody asked.
    """

    asked: str
    kinds: tuple[str, ...]
    reason: Reason
    rows: int
    dim: int
    needed: int
    memory: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A kind that was built and measured.

    Args:
        kind: of the index.
        missed: why another kind was taken: its `recall` is too low, it is `slow`er than exact search, or there were
            too few queries or rows to measure it on (`unmeasured`); None where it was kept.
        tuned: what was measured, None where nothing was, or nothing is overlooked.
    """

    kind: str
    missed: Missed | None
    tuned: Tuned | None


@dataclass(frozen=True, slots=True)
class Built:
    """An index, its kind, and how it came to be; the last attempt is the index itself."""

    index: Index
    kind: str
    choice: Choice
    attempts: tuple[Attempt, ...]


def choose(kind: str, rows: int, dim: int, memory: int) -> Choice:
    """What to build for `rows` rows of width `dim` with `memory` bytes at hand.

    Example:
        >>> choose("auto", 10_000, 512, 16 << 30).kinds
        ('exact',)
    """
    needed = 4 * rows * dim
    kinds: tuple[str, ...] = (kind, *_NEXT.get(kind, ("exact",)))
    reason: Reason = "asked"
    if kind == AUTO and needed <= _SMALL:
        kinds, reason = ("exact",), "few"
    elif kind == AUTO and find_spec("faiss") is None:
        kinds, reason = ("exact",), "no-faiss"
    elif kind == AUTO and 2 * needed <= memory:
        kinds, reason = ("faiss-ivf-flat", "exact"), "fits"
    elif kind == AUTO:
        kinds, reason = ("faiss-ivf-pq", "exact"), "codes"
    return Choice(kind, tuple(dict.fromkeys(kinds)), reason, rows, dim, needed, memory)


def build_index(
    kind: str, rows: Embeddings, *, captions: Vectors | None = None, recall: float | None = None, memory: int = 0
) -> Built:
    """Build an index of `kind` over rows, measure an approximate one, and bring it to a recall where that is asked.

    Args:
        kind: one of `kinds()`, or `"auto"`.
        rows: (n, d) unit rows; they must not change while this runs.
        captions: (q, d) unit rows of texts to ask; None to leave out some rows and ask those.
        recall: recall@10 to reach, above 0 and at most 1; None to measure only (for `"auto"`: 0.98).
        memory: bytes at hand, for `"auto"`.

    Raises:
        UnknownName: no such kind.
        UsageError: the recall is not above 0 and at most 1.
        MissingLibrary: the library behind the kind is not installed.
        DataError: rows are not of length 1, or an id stands twice.
    """
    if recall is not None and not 0 < recall <= 1:
        raise UsageError(f"A recall of {recall:g} cannot be reached: give one above 0 and at most 1, such as 0.98.")
    if len(set(rows.ids)) != len(rows.ids):
        raise DataError(f"{len(rows.ids) - len(set(rows.ids))} ids stand twice: give each row its own id.")
    choice = choose(kind, len(rows.ids), rows.vectors.shape[1], memory)
    target = RECALL if recall is None and kind == AUTO else recall
    attempts: list[Attempt] = []
    trial = _Trial(rows, captions, target, in_time=kind == AUTO)
    for index, attempt in map(trial.build, choice.kinds):
        attempts.append(attempt)
        if attempt.missed is None:
            return Built(index, attempt.kind, choice, tuple(attempts))
    raise UsageError(f"No kind of {choice.kinds} could be built: add 'exact' to them.")


class _Trial:
    """Rows and queries, with which one kind after the other is tried."""

    def __init__(self, rows: Embeddings, captions: Vectors | None, target: float | None, *, in_time: bool) -> None:
        self.rows, self.target, self.in_time = rows, target, in_time
        random, count = np.random.default_rng(0), len(rows.ids)
        self.left_out = np.empty(0, np.int64)
        if captions is None or not len(captions):
            self.left_out = np.sort(random.choice(count, min(QUERIES, count // 10), replace=False))
            self.queries: Vectors = rows.vectors[self.left_out]
        else:
            self.queries = captions[np.sort(random.choice(len(captions), min(QUERIES, len(captions)), replace=False))]
        self._sample: Sample | None = None
        self._exact_milliseconds = 0.0

    def build(self, kind: str) -> tuple[Index, Attempt]:
        """An index of all rows, and whether it may be kept."""
        index: Any = create_index(kind, self.rows.vectors.shape[1])
        if kind == "exact":
            index.add(self.rows.ids, self.rows.vectors)
            return index, Attempt(kind, None, None)
        for ids, part in self._parts(left_out=False):
            index.add(ids, part)
        efforts = getattr(index, "efforts", ())
        tuned = self._measured(index) if efforts and len(self.queries) >= _LEAST else None
        for ids, part in self._parts(left_out=True):
            index.add(ids, part)
        if tuned:
            index.keep(tuned)
        return index, Attempt(kind, self._missed(tuned, approximate=bool(getattr(index, "efforts", ()))), tuned)

    def _measured(self, index: Any) -> Tuned:
        sample = self._answered()
        return _tuning.measure(index, sample) if self.target is None else _tuning.tune(index, sample, self.target)

    def _missed(self, tuned: Tuned | None, *, approximate: bool) -> Missed | None:
        if self.target is None or not approximate:
            return None
        if tuned is None:
            return "unmeasured"
        if tuned.recall < self.target:
            return "recall"
        return "slow" if self.in_time and tuned.milliseconds > self._exact_milliseconds else None

    def _answered(self) -> Sample:
        """The queries with the exact answers of the rows that are not left out; computed once."""
        if self._sample is None:
            oracle = exact.over(self.rows.ids, self.rows.vectors)
            oracle.delete(self.rows.ids[at] for at in self.left_out.tolist())
            k = min(K, len(oracle))
            _, scores = oracle.search(self.queries, k)
            source: _tuning.Source = "held-out rows" if len(self.left_out) else "captions"
            self._sample = Sample(self.queries, scores[:, -1], k, source)
            self._exact_milliseconds = _tuning.timed(oracle, self._sample)
        return self._sample

    def _parts(self, *, left_out: bool) -> Iterator[tuple[Sequence[str], Vectors]]:
        """The rows left out, or the others: one part, or none."""
        ids, vectors = self.rows.ids, self.rows.vectors
        if not len(self.left_out):
            yield from () if left_out else [(ids, vectors)]
            return
        chosen = self.left_out if left_out else np.setdiff1d(np.arange(len(ids)), self.left_out, assume_unique=True)
        yield [ids[at] for at in chosen.tolist()], vectors[chosen]
