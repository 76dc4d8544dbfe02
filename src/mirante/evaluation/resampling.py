"""The cluster bootstrap: whole clusters are drawn with replacement, every metric sees the same draws.

Source: Field and Welsh 2007 (cluster bootstrap).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirante.evaluation.clusters import Clusters, Values
from mirante.evaluation.ranks import BLOCK, blocks

GROUPS = 64
"""Parts that the values are cut into when medians are sought."""


@dataclass(frozen=True)
class Resampled:
    """One figure and what resampling tells about it.

    Args:
        value: over all queries.
        draws: (b,) the same figure over each resample, in no order.
        influence: (c,) how much each cluster pulls the figure up, up to one positive factor.
    """

    value: float
    draws: Values
    influence: Values


def resample(
    values: Mapping[str, Values], clusters: Clusters, *, medians: Collection[str] = (), resamples: int, seed: int
) -> dict[str, Resampled]:
    """Resample the mean (or median) of each column.

    Args:
        values: name → (q,) one value per query.
        clusters: of the q queries.
        medians: names that are summarised by their median, the others by their mean.
        resamples: number b of resamples, 0 for none.
        seed: of the draws.
    """
    means = {name: column for name, column in values.items() if name not in medians}
    drawn: dict[str, list[Values]] = {name: [np.zeros(0)] for name in values}
    for counts in drawn_counts(len(clusters), len(clusters.own), resamples, seed):
        for name, column in zip(means, _means(list(means.values()), clusters, counts), strict=True):
            drawn[name].append(column)
        for name in values.keys() - means.keys():
            drawn[name].append(_medians(values[name], clusters.own, counts))
    found = {}
    for name, column in values.items():
        value, influence = _jackknife(column, clusters) if name in means else _signs(column, clusters)
        found[name] = Resampled(value, np.concatenate(drawn[name]), influence)
    return found


def drawn_counts(clusters: int, queries: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Blocks (b, c) of how often each cluster is drawn: multinomial counts, c draws in each row."""
    random = np.random.default_rng(seed)
    for start, stop in blocks(resamples, queries, BLOCK):
        draws = random.integers(clusters, size=(stop - start, clusters))
        draws += clusters * np.arange(stop - start)[:, None]
        yield np.bincount(draws.ravel(), minlength=(stop - start) * clusters).reshape(-1, clusters)


def _means(columns: Sequence[Values], clusters: Clusters, counts: NDArray[np.int64]) -> Values:
    """(m, b) means of m metrics in each resample: counts times the clusters' sums, over counts times their sizes."""
    sums = [*(clusters.sums(column) for column in columns), clusters.sizes]
    totals = np.asarray(np.stack(sums) @ counts.T.astype(np.float64), np.float64)
    return np.asarray(totals[:-1] / totals[-1], np.float64)


def _medians(column: Values, own: NDArray[np.int64], counts: NDArray[np.int64]) -> Values:
    """(b,) medians, each value weighted by how often its cluster was drawn.

    The values in order are cut into `GROUPS`: one product says how much of each resample lies in each group, and only
    the group that holds a resample's middle is looked at.
    """
    order = np.argsort(column)
    width = -(-len(order) // GROUPS)
    places = np.arange(len(order))
    members = np.zeros((counts.shape[1], GROUPS))
    np.add.at(members, (own[order], places // width), 1)
    inside = counts @ members
    below, groups = np.cumsum(inside, axis=1), np.resize(own[order], (GROUPS, width))
    rows = np.arange(len(counts))

    def at(position: Values) -> Values:
        group = np.argmax(below > position[:, None], axis=1)
        left = position - below[rows, group] + inside[rows, group]
        drawn = np.cumsum(counts[rows[:, None], groups[group]], axis=1)
        found: Values = column[order[group * width + np.argmax(drawn > left[:, None], axis=1)]]
        return found

    size = below[:, -1]
    return (at((size - 1) // 2) + at(size // 2)) / 2


def _jackknife(column: Values, clusters: Clusters) -> tuple[float, Values]:
    """The mean, and the jackknife in closed form: the mean of the means without each cluster, less each of them."""
    value, sums, sizes = float(np.mean(column)), clusters.sums(column), clusters.sizes
    if len(clusters) == 1:
        return value, np.zeros(1)
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    return value, np.asarray(without.mean() - without, np.float64)


def _signs(column: Values, clusters: Clusters) -> tuple[float, Values]:
    """The median, and its influence function: the queries of a cluster above it less those below it.

    The jackknife of a median does not converge (Efron 1982, chapter 3); the influence function, ±1/2f, does, and the
    density f is one factor for all. Infinite ranks are as good as any other.
    """
    value = float(np.median(column))
    return value, clusters.sums(np.sign(_less(column, value)))


def _less(column: Values, value: float) -> Values:
    """`column − value`, where infinity less infinity is nothing."""
    return np.subtract(column, value, where=column != value, out=np.zeros_like(column))
