"""Answers of rows that hold several vectors: an index finds candidates by product, the nearest vector orders them."""

from collections.abc import Collection

import numpy as np

from mirante.indexes import Index
from mirante.nearest import similarity
from mirante.types import Vectors

_LEAST, _TIMES = 1000, 10
"""Candidates of a query: at least so many, and so many for each answer; smaller galleries are ranked exactly."""


def best(
    index: Index, queries: Vectors, k: int, allowed: Collection[str] | None, *, parts: int
) -> tuple[list[list[str]], Vectors]:
    """The k best ids of each of (q, d) unit rows of `parts` vectors, and their (q, k) similarities, by `TIE_RULE`.

    A product of such rows is the mean over the vectors: what the mean ranks far down is not found.
    """
    size = len(index)
    if parts == 1 or k < 1 or not size:
        return index.search(queries, min(k, max(1, size)), allowed)
    found, _ = index.search(queries, min(size, max(_LEAST, _TIMES * k)), allowed)
    answers, table = [], np.full((len(queries), min(k, size)), -np.inf, np.float32)
    for row, (query, ids) in enumerate(zip(queries, found, strict=True)):
        near = similarity(query[np.newaxis], index.vectors(ids), parts)[0] if ids else np.empty(0, np.float32)
        ranked = sorted(zip(near.tolist(), ids, strict=True), reverse=True)[:k]
        answers.append([name for _, name in ranked])
        table[row, : len(ranked)] = [score for score, _ in ranked]
    return answers, table
