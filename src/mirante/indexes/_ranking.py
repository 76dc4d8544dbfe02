"""Exact ranking in bounded memory, shared by every index: fast products find candidates, true scores order them.

The score of a pair is its inner product summed in float64 and rounded to float32, computed for each pair alone: equal
rows tie exactly, wherever they stand, in every kind of index. A matrix product in float32 does not promise that, so it
only preselects, within a bound on its error.
"""

import threading
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from mirante.errors import UsageError
from mirante.indexes._rows import Numbers, Rows
from mirante.types import Vectors

Found: TypeAlias = tuple[list[list[str]], Vectors]

_QUERIES = 1024
_CELLS = 8_388_608
_PAIRS = 8_388_608
_ONE_AT_A_TIME = threading.Lock()
"""A product takes all cores; several threads that ask for one at once would wait for each other in busy loops."""


def slack(dim: int) -> float:
    """How far apart two float32 products may be found although the true float32 scores say otherwise.

    Source: |fl(x·y) − x·y| ≤ γ_d |x|·|y| for any order of summation (Higham, Accuracy and Stability, §3.1), twice,
    and the rounding of the true scores, for rows of length 1.
    """
    return 2.02 * (dim + 8) * 2.0**-24


def score_pairs(rows: Rows, queries: Vectors, asked: Numbers, found: Numbers) -> Vectors:
    """True scores of p pairs: query number `asked[i]`, ascending, with row number `found[i]`; (p,) float32."""
    scores = np.empty(len(found), np.float32)
    bounds = np.searchsorted(asked, np.arange(len(queries) + 1)).tolist()
    step = max(1, _PAIRS // (2 * rows.dim))
    for query, (first, last) in enumerate(pairwise(bounds)):
        exact = queries[query].astype(np.float64)
        for start in range(first, last, step):
            part = slice(start, min(start + step, last))
            scores[part] = np.einsum("pd,d->p", rows.take(found[part]).astype(np.float64), exact)
    return scores


def rank_pairs(rows: Rows, queries: Vectors, k: int, asked: Numbers, found: Numbers) -> Found:
    """Order candidate pairs by their true scores and `TIE_RULE`; the best k of each query.

    Args:
        rows: the table that `found` points into.
        queries: (q, d) float32.
        k: width of the answer.
        asked: (p,) numbers of queries, ascending, no pair twice.
        found: (p,) numbers of living rows.
    """
    scores = score_pairs(rows, queries, asked, found)
    unique, inverse = np.unique(found, return_inverse=True)
    names = rows.names(unique)
    place = np.empty(len(names), np.int64)
    place[sorted(range(len(names)), key=names.__getitem__, reverse=True)] = np.arange(len(names))
    order = np.lexsort((place[inverse], -scores, asked))
    asked, scores, inverse = asked[order], scores[order], inverse[order]
    column = np.arange(len(asked)) - np.searchsorted(asked, np.arange(len(queries)))[asked]
    best = column < k
    table = np.full((len(queries), k), -np.inf, np.float32)
    table[asked[best], column[best]] = scores[best]
    answers: list[list[str]] = [[] for _ in range(len(queries))]
    for query, name in zip(asked[best].tolist(), inverse[best].tolist(), strict=True):
        answers[query].append(names[name])
    return answers, table


def rank_all(rows: Rows, queries: Vectors, k: int, among: Numbers | None) -> Found:
    """The best k of the rows `among` (None for all) for each of (q, d) queries, exactly."""
    answers: list[list[str]] = []
    tables = [np.empty((0, k), np.float32)]
    for start in range(0, len(queries), _QUERIES):
        part = queries[start : start + _QUERIES]
        found, table = rank_pairs(rows, part, k, *_preselect(rows, part, k, among))
        answers.extend(found)
        tables.append(table)
    return answers, np.concatenate(tables)


def completed(found: Found, rest: Numbers, rows: Rows, queries: Vectors, among: Numbers | None) -> Found:
    """The answers, those to the queries numbered `rest` exactly, by all rows `among` (None for all)."""
    answers, table = found
    if len(rest):
        others, table[rest] = rank_all(rows, queries[rest], table.shape[1], among)
        for query, other in zip(rest.tolist(), others, strict=True):
            answers[query] = other
    return answers, table


def _preselect(rows: Rows, queries: Vectors, k: int, among: Numbers | None) -> tuple[Numbers, Numbers]:
    """Pairs (asked, found) that hold the best k of each query, and few others; asked is ascending."""
    pool = _Pool(len(queries), k, slack(rows.dim))
    size = max(1024, min(_CELLS // max(1, len(queries)), _PAIRS // rows.dim))
    for numbers, block in rows.blocks(among, size):
        with _ONE_AT_A_TIME:
            near = queries @ block.T
        pool.add(near, numbers)
    pool.prune()
    return pool.asked, pool.found


class _Pool:
    """Candidate pairs with their approximate scores; a query's `least` is what a new one must reach."""

    def __init__(self, queries: int, k: int, margin: float) -> None:
        self.k, self.margin = k, np.float32(margin)
        self.least = np.full(queries, -np.inf, np.float32)
        self.asked, self.found = np.empty(0, np.int64), np.empty(0, np.int64)
        self.near = np.empty(0, np.float32)
        self._pruned = 0

    def add(self, scores: Vectors, numbers: Numbers) -> None:
        """Take in what (q, m) scores of m rows have to offer."""
        if not len(self.asked) and self.k < len(numbers):
            cut = len(numbers) - self.k
            self.least = np.partition(scores, cut, axis=1)[:, cut] - self.margin
        query, column = np.nonzero(scores >= self.least[:, None])
        self.asked = np.concatenate((self.asked, query))
        self.found = np.concatenate((self.found, numbers[column]))
        self.near = np.concatenate((self.near, scores[query, column]))
        if len(self.asked) > 1.5 * self._pruned:
            self.prune()

    def prune(self) -> None:
        """Raise `least` to what the pool proves, and drop the pairs below it; sort by query."""
        order = np.lexsort((-self.near, self.asked))
        asked, near = self.asked[order], self.near[order]
        counts = np.bincount(asked, minlength=len(self.least))
        starts = np.cumsum(counts) - counts
        full = counts >= self.k
        self.least[full] = near[starts[full] + self.k - 1] - self.margin
        keep = near >= self.least[asked]
        self.asked, self.found, self.near = asked[keep], self.found[order[keep]], near[keep]
        self._pruned = len(self.asked)


def check_k(k: int) -> int:
    """K itself, if it is 1 or more.

    Raises:
        UsageError: it is not.
    """
    if k < 1:
        raise UsageError(f"A search must ask for at least 1 result, not {k}: give a positive k.")
    return k
