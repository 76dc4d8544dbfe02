"""Compare every query with every document, exactly, in blocks of bounded memory."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from mirante.errors import DataError
from mirante.evaluation.keys import PADDING, keys, places_of, tie_order
from mirante.evaluation.positives import positives
from mirante.evaluation.ranks import BLOCK, Ranks, blocks, ranks_in
from mirante.evaluation.similarity import BINS, Similarity, histogram, similarity
from mirante.nearest import similarity as near
from mirante.progress import track
from mirante.types import Embeddings, Qrels, Run, Vectors


@dataclass(frozen=True)
class Ranking:
    """What one comparison of all queries with all documents gives.

    Args:
        ranks: of every relevant document, in the whole gallery.
        run: the best `depth` documents of every judged query.
        similarity: of right and wrong pairs.
    """

    ranks: Ranks
    run: Run
    similarity: Similarity


def rank(queries: Embeddings, documents: Embeddings, *, qrels: Qrels, depth: int = 100, block: int = BLOCK) -> Ranking:
    """Rank all documents for every query of `qrels`, by cosine and the tie rule.

    Of rows that hold several vectors (`Provenance.parts`) the cosine is that of the nearest.
    Equal document vectors get equal scores, wherever they stand (a matrix product alone does not promise that).

    Args:
        queries: rows of length 1, at least one for each judged query.
        documents: the gallery, rows of length 1.
        qrels: the relevance; queries without a relevant document are left out and counted.
        depth: answers kept per query in the run.
        block: scores held at once.

    Raises:
        DataError: a judged query has no vector, the widths differ, or a vector is not finite.
    """
    wanted = positives(qrels, documents.ids)
    unjudged = len(set(queries.ids).difference(wanted.queries))
    if queries.ids != wanted.queries:
        queries = queries.select(wanted.queries)
    _check(queries.vectors, documents.vectors)
    places, score = tie_order(documents.ids), _scorer(documents.vectors, documents.provenance.parts)
    by_place, counts, total = np.argsort(places), np.zeros(BINS, np.int64), 0.0
    parts: list[tuple[NDArray[np.int64], NDArray[np.int32], Vectors, Vectors]] = []
    cuts = list(blocks(len(queries.ids), len(documents.ids), block))
    for start, stop in track(cuts, "Ranking", total=len(queries.ids), unit="queries", size=lambda cut: cut[1] - cut[0]):
        scores, part = score(queries.vectors[start:stop]), wanted.part(start, stop)
        counts += histogram(scores)
        total += float(scores.sum(dtype=np.float64))
        here = part.columns >= 0
        indices, best = _top(scores, places, by_place, min(depth, len(documents.ids)))
        parts.append((ranks_in(scores, places, part), indices, best, scores[part.rows[here], part.columns[here]]))
    ranks, indices, best, matched = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Ranking(
        Ranks(wanted.queries, ranks, wanted.offsets, unjudged),
        Run(wanted.queries, documents.ids, indices, best, documents.provenance.model or "mirante"),
        similarity(queries.vectors, documents.vectors, matched, counts, total),
    )


def _check(queries: Vectors, documents: Vectors) -> None:
    if not len(documents):
        raise DataError("There are 0 documents to rank: embed at least one.")
    if queries.shape[1] != documents.shape[1]:
        raise DataError(
            f"Queries have {queries.shape[1]} dimensions, documents {documents.shape[1]}: embed both with one model."
        )
    for what, vectors in (("query", queries), ("document", documents)):
        broken = np.count_nonzero(~np.isfinite(vectors).all(axis=1))
        if broken:
            raise DataError(f"{broken} {what} vectors are not finite (NaN or infinity): check the model, embed again.")


def _scorer(documents: Vectors, several: int = 1) -> Callable[[Vectors], Vectors]:
    """A function from (b, d) queries to (b, n) cosines that scores equal documents equally."""
    seen: dict[bytes, int] = {}
    rows = np.ascontiguousarray(documents)
    columns = np.array([seen.setdefault(blake2b(row, digest_size=16).digest(), len(seen)) for row in rows])
    if len(seen) == len(documents):
        return lambda queries: near(queries, rows, several)
    distinct = rows[np.unique(columns, return_index=True)[1]]
    return lambda queries: near(queries, distinct, several)[:, columns]


def _top(
    scores: Vectors, places: NDArray[np.int64], by_place: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int32], Vectors]:
    """Columns and scores of the best k of each row, (b, k) each, by the tie rule.

    Only candidates that reach the k-th best score get a key, ties at that score included.
    """
    last = scores.shape[1] - k
    floor = np.partition(scores, last, axis=1)[:, last, None] if k else np.inf
    rows, columns = np.nonzero(scores >= floor)
    starts = np.searchsorted(rows, np.arange(len(scores) + 1))
    table = np.full((len(scores), int(np.diff(starts).max())), PADDING)
    table[rows, np.arange(len(rows)) - starts[rows]] = keys(scores[rows, columns], places[columns])
    table.sort(axis=1)
    indices = by_place[places_of(table[:, ::-1][:, :k])]
    return indices.astype(np.int32), np.take_along_axis(scores, indices, axis=1)
