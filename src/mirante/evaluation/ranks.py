"""The exact ranks of every relevant document: all that the metrics need to know.

Worked example, text→image with two images and four texts (the scores are one row per text):

             cat.png  dog.png   relevant   rank
    a cat        0.9      0.1   cat.png       1
    a pet        0.4      0.6   cat.png       2
    a dog        0.2      0.7   dog.png       1
    a paw        0.5      0.5   cat.png       2   (equal scores: the later id, dog.png, comes first)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirante.errors import DataError
from mirante.evaluation.keys import PADDING, keys, tie_order
from mirante.evaluation.positives import Positives, positives
from mirante.types import Qrels, Run, Vectors

NOT_RETRIEVED = int(np.iinfo(np.int64).max)
FEW = 24  # positives of one query up to which counting beats sorting
BLOCK = 1 << 22  # scores held at once: 16 MiB of float32


@dataclass(frozen=True)
class Ranks:
    """The 1-based ranks of every relevant document of q judged queries, ragged.

    Args:
        queries: q ids, each with at least one relevant document.
        ranks: (p,) int64, ascending within a query; `NOT_RETRIEVED` for a document that the ranking lacks.
        offsets: (q + 1,) query i owns `ranks[offsets[i]:offsets[i + 1]]`.
        unjudged: queries left out because nothing is relevant to them.
    """

    queries: tuple[str, ...]
    ranks: NDArray[np.int64]
    offsets: NDArray[np.int64]
    unjudged: int = 0

    @property
    def first(self) -> NDArray[np.int64]:
        """(q,) rank of the best relevant document."""
        return self.ranks[self.offsets[:-1]]

    @property
    def relevant(self) -> NDArray[np.int64]:
        """(q,) number of relevant documents."""
        return np.diff(self.offsets)

    def cut(self, depth: int | None) -> "Ranks":
        """The same with ranks beyond `depth` not retrieved; None for no limit."""
        if depth is None:
            return self
        return replace(self, ranks=np.where(self.ranks <= depth, self.ranks, NOT_RETRIEVED))

    @property
    def turns(self) -> NDArray[np.int64]:
        """(p,) 1 for the best relevant document of a query, 2 for the next, and so on."""
        return np.arange(1, len(self.ranks) + 1) - np.repeat(self.offsets[:-1], self.relevant)


def ranks_in(scores: Vectors, places: NDArray[np.int64], wanted: Positives, few: int = FEW) -> NDArray[np.int64]:
    """Ranks of the `wanted` documents in `scores` (b, n), flat, ascending within a query.

    Queries with at most `few` positives are counted, the others sorted; both are exact.

    Args:
        scores: (b, n) float32, no NaN, one row per query of `wanted`.
        places: (n,) the documents' tie order.
        wanted: the relevant documents of the b queries.
        few: where sorting takes over.
    """
    counts = np.diff(wanted.offsets)
    rows, found = wanted.rows, np.full(len(wanted.columns), NOT_RETRIEVED)
    turns = np.arange(len(rows)) - wanted.offsets[rows]
    present, counted = wanted.columns >= 0, counts[rows] <= few
    for turn in range(min(few, int(counts.max(initial=0)))):
        at = np.flatnonzero(present & counted & (turns == turn))
        found[at] = _by_counting(scores, places, rows[at], wanted.columns[at])
    for row in np.flatnonzero(counts > few):
        own = np.arange(wanted.offsets[row], wanted.offsets[row + 1])
        at = own[present[own]]
        found[at] = _by_sorting(scores[row], places, wanted.columns[at])
    return found[np.lexsort((found, rows))]


def _by_counting(
    scores: Vectors, places: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rank of one document in each of `rows`: 1 + higher scores + equal scores whose id wins the tie."""
    block = scores if len(rows) == len(scores) else scores[rows]
    own = scores[rows, columns][:, None]
    better: NDArray[np.int64] = np.count_nonzero(block > own, axis=1)
    tied = np.flatnonzero(np.count_nonzero(block >= own, axis=1) - better > 1)
    if len(tied):
        winners = (block[tied] == own[tied]) & (places > places[columns[tied]][:, None])
        better[tied] += np.count_nonzero(winners, axis=1)
    return better + 1


def _by_sorting(scores: Vectors, places: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranks of several documents in one row of scores (n,)."""
    found = keys(scores, places)
    return len(found) - np.searchsorted(np.sort(found), found[columns])


def ranks_from_run(run: Run, qrels: Qrels) -> Ranks:
    """Ranks of the relevant documents in any system's run, truncated or not.

    Answers are put in the order of the tie rule, whatever order the run lists them in. A query of `qrels` that the
    run lacks counts as answered with nothing (`trec_eval -c`); a query of the run without relevance is `unjudged`.

    Raises:
        DataError: a score is NaN, or a query lists a document twice.
    """
    wanted = positives(qrels, run.documents)
    row_of = {query: row for row, query in enumerate(run.queries)}
    asked = np.array([row_of.get(query, -1) for query in wanted.queries])
    places, found = tie_order(run.documents), np.full(len(wanted.columns), NOT_RETRIEVED)
    for start, stop in blocks(len(asked) if run.indices.size else 0, run.indices.shape[1]):
        part = wanted.part(start, stop)
        ranks = _run_ranks(run, asked[start:stop], places, part)
        found[wanted.offsets[start] : wanted.offsets[stop]] = ranks[np.lexsort((ranks, part.rows))]
    unjudged = len(set(run.queries).difference(wanted.queries))
    return Ranks(wanted.queries, found, wanted.offsets, unjudged)


def _run_ranks(run: Run, asked: NDArray[np.int64], places: NDArray[np.int64], wanted: Positives) -> NDArray[np.int64]:
    """Ranks of `wanted` in rows `asked` of the run (−1: a query that it lacks), flat, not yet ascending."""
    indices, scores = run.indices[asked].astype(np.int64), run.scores[asked]
    indices[asked < 0] = -1
    real = indices >= 0
    if np.isnan(scores[real]).any():
        raise DataError(f"The run {run.name!r} holds scores that are not numbers (NaN): write it again without them.")
    found = keys(np.where(real, scores, -np.inf).astype(np.float32), places[indices] if len(places) else indices)
    order = np.argsort(np.where(real, found, PADDING), axis=1)[:, ::-1]
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
    width = max(1, len(run.documents))
    codes = (indices + width * np.arange(len(indices))[:, None])[real]
    by_code = np.argsort(codes)
    codes, ranks = codes[by_code], ranks[real][by_code]
    twice = np.flatnonzero(codes[1:] == codes[:-1])
    if len(twice):
        row, column = divmod(int(codes[twice[0]]), width)
        raise DataError(
            f"Query {wanted.queries[row]!r} of the run {run.name!r} lists {run.documents[column]!r} twice: keep one."
        )
    sought = np.where(wanted.columns >= 0, wanted.columns + width * wanted.rows, -1)
    at = np.searchsorted(codes, sought)
    hit = at < len(codes)
    hit[hit] = codes[at[hit]] == sought[hit]
    result = np.full(len(sought), NOT_RETRIEVED)
    result[hit] = ranks[at[hit]]
    return result


def blocks(rows: int, width: int, size: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Cut `rows` rows of `width` numbers into (start, stop) blocks of about `size` numbers."""
    step = max(1, size // max(1, width))
    return ((start, min(start + step, rows)) for start in range(0, rows, step))
