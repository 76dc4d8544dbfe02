"""The metrics: each turns `Ranks` into one value per judged query, and says which trec_eval measure it equals.

With one relevant document per query (the papers' text→image protocol) `hit_rate@K` and `recall@K` are one number,
"R@K". With five captions per image they differ: papers print `hit_rate@K` under the name of recall.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.errors import UnknownName
from mirante.evaluation.ranks import NOT_RETRIEVED, Ranks

Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """A metric by name.

    Args:
        name: e.g. `"ndcg@10"`.
        values: `Ranks` → (q,) float64, one value per query.
        summary: how the values of all queries become one figure.
    """

    name: str
    values: Callable[[Ranks], Values]
    summary: Literal["mean", "median"] = "mean"

    def __call__(self, ranks: Ranks) -> float:
        """The figure over all queries."""
        return float(np.median(self.values(ranks)) if self.summary == "median" else np.mean(self.values(ranks)))


def hit_rate(ranks: Ranks, k: int) -> Values:
    """Whether any relevant document is among the first k (0 or 1). trec_eval: `success_k`."""
    return (ranks.first <= k).astype(np.float64)


def recall(ranks: Ranks, k: int) -> Values:
    """The fraction of a query's relevant documents that are among the first k. trec_eval: `recall_k`."""
    return _sums(ranks, (ranks.ranks <= k).astype(np.float64)) / ranks.relevant


def reciprocal_rank(ranks: Ranks) -> Values:
    """One over the rank of the first relevant document, 0 when none is retrieved. trec_eval: `recip_rank`."""
    return np.where(ranks.first == NOT_RETRIEVED, 0.0, 1.0 / ranks.first)


def ndcg(ranks: Ranks, k: int) -> Values:
    """Gain 1 per relevant document, discounted by log2(rank + 1), up to rank k, over the best possible.

    trec_eval: `ndcg_cut_k` (with grades of 1). Source: Järvelin and Kekäläinen 2002.
    """
    gains = np.where(ranks.ranks <= k, 1.0 / np.log2(1.0 + ranks.ranks), 0.0)
    depth = np.minimum(ranks.relevant, k)
    ideal = np.cumsum(1.0 / np.log2(np.arange(2, int(depth.max()) + 2)))
    best: Values = ideal[depth - 1]
    return _sums(ranks, gains) / best


def average_precision(ranks: Ranks) -> Values:
    """The mean over relevant documents of the precision at its rank, 0 for one not retrieved. trec_eval: `map`."""
    precision = np.where(ranks.ranks == NOT_RETRIEVED, 0.0, ranks.turns / ranks.ranks)
    return _sums(ranks, precision) / ranks.relevant


def first_rank(ranks: Ranks) -> Values:
    """The rank of the first relevant document, infinity when none is retrieved. No trec_eval measure."""
    return np.where(ranks.first == NOT_RETRIEVED, np.inf, ranks.first.astype(np.float64))


WHOLE: dict[str, Metric] = {
    "mrr": Metric("mrr", reciprocal_rank),
    "map": Metric("map", average_precision),
    "median_rank": Metric("median_rank", first_rank, "median"),
}
AT_K: dict[str, Callable[[Ranks, int], Values]] = {"hit_rate": hit_rate, "recall": recall, "ndcg": ndcg}


def metric(name: str) -> Metric:
    """The metric called `name`: `mrr`, `map`, `median_rank`, or `hit_rate@K`, `recall@K`, `ndcg@K` for any K ≥ 1.

    Raises:
        UnknownName: no such metric.
    """
    if name in WHOLE:
        return WHOLE[name]
    base, _, depth = name.partition("@")
    if base in AT_K and depth.isascii() and depth.isdigit() and depth[0] != "0":
        at_k, k = AT_K[base], int(depth)
        return Metric(name, lambda ranks: at_k(ranks, k))
    raise UnknownName("metric", name, [*WHOLE, *(f"{one}@{k}" for one in AT_K for k in (1, 5, 10))])


def _sums(ranks: Ranks, values: Values) -> Values:
    """Sum (p,) values within each query, (q,)."""
    return np.add.reduceat(values, ranks.offsets[:-1])
