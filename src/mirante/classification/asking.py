"""Ask pairs of known truth: each query as the gallery is, and with everything relevant to it taken out."""

from dataclasses import dataclass, field, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.evaluation.ranks import blocks
from mirante.search.manifest import Holds
from mirante.types import DIRECTIONS, Embeddings, Pairs, Vectors


@dataclass(frozen=True)
class Answers:
    """The k best answers to each of q queries.

    Args:
        scores: (q, k) cosines, best first; −inf where nothing is left.
        right: (q, k) whether relevant.
    """

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]

    def where(self, rows: NDArray[np.bool_]) -> Self:
        """Those to some of the queries."""
        return replace(self, scores=self.scores[rows], right=self.right[rows])


@dataclass(frozen=True)
class Asked:
    """What q queries were answered.

    Args:
        queries: (q, d) unit rows.
        documents: (n, d) unit rows that answer them.
        clusters: q names; queries about one picture have the same.
        present: the answers as the gallery is.
        absent: the answers without what is relevant, all of them wrong.
    """

    queries: Vectors = field(repr=False)
    documents: Vectors = field(repr=False)
    clusters: tuple[str, ...] = field(repr=False)
    present: Answers
    absent: Answers

    def where(self, rows: NDArray[np.bool_]) -> Self:
        """What some of the queries, (q,) bool, were answered."""
        clusters = tuple(name for name, kept in zip(self.clusters, rows.tolist(), strict=True) if kept)
        present, absent = self.present.where(rows), self.absent.where(rows)
        return replace(self, queries=self.queries[rows], clusters=clusters, present=present, absent=absent)


def ask(images: Embeddings, texts: Embeddings, pairs: Pairs, *, holds: Holds, depth: int) -> Asked:
    """The best `depth` answers to every query.

    Args:
        images: rows of the readable pictures.
        texts: rows of the captions.
        pairs: what is relevant to what.
        holds: which of the two answers; the other one asks.
        depth: number of answers.
    """
    direction = DIRECTIONS[0] if holds == "images" else DIRECTIONS[1]
    asking, answering = (texts, images) if holds == "images" else (images, texts)
    relevant = {query: set(found) for query, found in pairs.qrels(direction).grades.items()}
    place = {one: at for at, one in enumerate(answering.ids)}
    right = {query: [place[one] for one in sorted(found) if one in place] for query, found in relevant.items()}
    ids = [one for one in asking.ids if right.get(one)]
    queries = asking.select(ids).vectors
    parts = [
        _best(queries[start:stop] @ answering.vectors.T, [right[one] for one in ids[start:stop]], depth)
        for start, stop in blocks(len(ids), len(answering.ids))
    ]
    present, absent = (Answers(*map(np.concatenate, zip(*side, strict=True))) for side in zip(*parts, strict=True))
    clusters = tuple(min(relevant[one]) if holds == "images" else one for one in ids)
    return Asked(queries, answering.vectors, clusters, present, absent)


Best: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_]]


def _best(scores: Vectors, right: list[list[int]], depth: int) -> tuple[Best, Best]:
    """Scores and truths of the best answers in a block of (b, n) scores, with and without the right ones."""
    truth = np.zeros(scores.shape, np.bool_)
    for row, places in enumerate(right):
        truth[row, places] = True
    return _top(scores, truth, depth), _top(np.where(truth, -np.inf, scores), np.zeros_like(truth), depth)


def _top(scores: Vectors, truth: NDArray[np.bool_], depth: int) -> Best:
    best = np.argpartition(-scores, min(depth, scores.shape[1]) - 1, axis=1)[:, :depth]
    found = np.asarray(np.take_along_axis(scores, best, axis=1), np.float64)
    order = np.argsort(-found, axis=1)
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(truth, np.take_along_axis(best, order, 1), 1)
