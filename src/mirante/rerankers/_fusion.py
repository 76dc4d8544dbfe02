"""Fusion: several runs over the same queries become one.

Sources: Cormack, Clarke and Büttcher 2009 (reciprocal rank fusion, SIGIR); Fox and Shaw 1994 (CombSUM, TREC-2), here
with weights; Lee 1997 (scores brought to one scale, SIGIR). Whatever the order of the runs, the answers are the same:
what they give a document is summed from the least up.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.errors import DataError, UnknownName, UsageError
from mirante.types import Run, Vectors

Scale: TypeAlias = Literal["min-max", "z"]
Floats: TypeAlias = NDArray[np.float64]
Shares: TypeAlias = Callable[[Vectors], tuple[Floats, float]]
"""Scores of one query, best first, (m,) → what each answer gets, (m,), and what a document gets that is no answer."""

K = 60.0
"""The paper's constant: the greater, the less the first ranks stand out."""


def reciprocal_rank(runs: Sequence[Run], k: float = K) -> Run:
    """Sum 1 / (k + rank) over the runs; a document gets nothing from a run that lacks it.

    Args:
        runs: one or more, ids in common.
        k: 0 or more.

    Raises:
        UsageError: there is no run, or k is below 0 or no number.
        DataError: a run has no query in common with the first.
    """
    if not 0 <= k < np.inf:
        raise UsageError(f"k of reciprocal rank fusion must be 0 or more, not {k}: the paper's is {K:g}.")
    return _fused(runs, [lambda scores: (1 / (k + np.arange(1, len(scores) + 1)), 0.0)] * len(runs), "rrf")


def weighted(runs: Sequence[Run], weights: Sequence[float], *, scale: Scale = "min-max") -> Run:
    """Sum weight · score over the runs, the scores of each query and run on one scale.

    `"min-max"` spreads them over [0, 1], `"z"` gives them mean 0 and standard deviation 1; equal scores are all 1 or
    all 0. A document that a run lacks gets what the run's last answer gets, as it is no better.

    Args:
        runs: one or more, ids in common.
        weights: one a run, 0 or more, not all 0.
        scale: of the scores.

    Raises:
        UsageError: there is no run, the weights do not fit, or no such scale.
        DataError: a score is infinite, or a run has no query in common with the first.
    """
    if scale not in SCALES:
        raise UnknownName("scale", scale, SCALES)
    if len(weights) != len(runs) or not all(0 <= one < np.inf for one in weights) or not any(weights):
        raise UsageError(
            f"{len(runs)} runs need a weight each, 0 or more and one above 0, not {list(weights)}: e.g. 0.7, 0.3."
        )
    return _fused(runs, [_weighing(SCALES[scale], one) for one in weights], "weighted")


def _min_max(scores: Floats) -> tuple[Floats, float]:
    spread = np.ptp(scores)
    return (scores - scores.min()) / spread if spread else np.ones(len(scores)), 0.0


def _z(scores: Floats) -> tuple[Floats, float]:
    deviation = np.std(scores)
    found = (scores - scores.mean()) / deviation if deviation else np.zeros(len(scores))
    return found, float(found.min())


SCALES: dict[str, Callable[[Floats], tuple[Floats, float]]] = {"min-max": _min_max, "z": _z}


def _weighing(scaled: Callable[[Floats], tuple[Floats, float]], weight: float) -> Shares:
    def shares(scores: Vectors) -> tuple[Floats, float]:
        if not np.isfinite(scores).all():
            raise DataError(f"A run has the score {scores.max()}, which no weight can bring to a scale: fuse by rank.")
        found, absent = scaled(scores.astype(np.float64))
        return weight * found, weight * absent

    return shares


def _fused(runs: Sequence[Run], shares: Sequence[Shares], method: str) -> Run:
    """One run: documents by the sum of their shares, as float32, ties by trec_eval's rule (the later id first)."""
    _check(runs)
    queries = tuple(dict.fromkeys(query for run in runs for query in run.queries))
    documents = tuple(sorted({document for run in runs for document in run.documents}))
    place = {document: at for at, document in enumerate(documents)}
    readers = [_Reader(run, place) for run in runs]
    found = [_summed([one.read(query) for one in readers], shares) for query in queries]
    depth = max(len(places) for places, _ in found)
    indices = np.full((len(queries), depth), -1, np.int32)
    scores = np.full((len(queries), depth), -np.inf, np.float32)
    for row, (places, totals) in enumerate(found):
        indices[row, : len(places)], scores[row, : len(places)] = places, totals
    return Run(queries, documents, indices, scores, f"{method}({','.join(run.name for run in runs)})")


def _check(runs: Sequence[Run]) -> None:
    if not runs:
        raise UsageError("No run was given to fuse: give two or more.")
    for run in runs:
        if set(run.queries).isdisjoint(runs[0].queries):
            raise DataError(
                f"The runs {runs[0].name!r} and {run.name!r} have no query in common: fuse runs over the same data, "
                "in the same direction."
            )


class _Reader:
    """Reads the answers of a run as places among the documents of all."""

    def __init__(self, run: Run, place: dict[str, int]) -> None:
        self._run = run
        self._rows = {query: row for row, query in enumerate(run.queries)}
        self._columns = np.array([place[document] for document in run.documents], np.int64)

    def read(self, query: str) -> tuple[NDArray[np.int64], Vectors]:
        """Places and scores, best first; none where the run lacks the query."""
        row = self._rows.get(query)
        if row is None:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        held = self._run.indices[row] >= 0
        return self._columns[self._run.indices[row][held]], self._run.scores[row][held]


def _summed(
    answers: Sequence[tuple[NDArray[np.int64], Vectors]], shares: Sequence[Shares]
) -> tuple[NDArray[np.int64], Vectors]:
    """The places of one query's documents, best first, and their totals."""
    places = np.unique(np.concatenate([columns for columns, _ in answers]))
    parts = np.zeros((len(answers), len(places)))
    for at, ((columns, scores), share) in enumerate(zip(answers, shares, strict=True)):
        if len(columns):
            found, parts[at] = share(scores)
            parts[at, np.searchsorted(places, columns)] = found
    totals = np.sort(parts, axis=0).sum(axis=0).astype(np.float32)
    order = np.lexsort((places, totals))[::-1]
    return places[order], totals[order]
