"""95 % intervals by the percentile bootstrap, clustered: queries about one image are drawn together.

The five captions of an image are not five independent observations; drawing images, not queries, keeps the interval
honest. Source: Efron and Tibshirani 1993, chapter 13 (percentile interval); Field and Welsh 2007 (cluster
bootstrap). A value at the edge of its range (every query right) gets an interval of width 0: the method's limit.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from mirante.errors import UsageError
from mirante.evaluation.ranks import BLOCK, blocks
from mirante.types import Estimate

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn.

    Args:
        resamples: number of resamples; 0 for no intervals.
        seed: the same seed gives the same intervals.
        level: coverage of an interval.
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95


def estimate(
    values: Mapping[str, Values],
    clusters: Sequence[str],
    *,
    medians: Collection[str] = (),
    bootstrap: Bootstrap | None = None,
) -> dict[str, Estimate]:
    """Summarise each metric's values with its interval; all metrics see the same resamples.

    Args:
        values: metric name → (q,) one value per query.
        clusters: q names; queries of one name are drawn together.
        medians: names that are summarised by their median, the others by their mean.
        bootstrap: settings of the intervals.

    Raises:
        UsageError: the values and clusters differ in number, or there are none.
    """
    bootstrap = bootstrap or Bootstrap()
    if not len(clusters) or any(len(column) != len(clusters) for column in values.values()):
        raise UsageError(
            f"Each metric needs one value per query: {len(clusters)} clusters, "
            f"{sorted({len(column) for column in values.values()})} values. Give both for the same queries."
        )
    number: dict[str, int] = {}
    own = np.array([number.setdefault(name, len(number)) for name in clusters])
    means = {name: column for name, column in values.items() if name not in medians}
    drawn: dict[str, list[Values]] = {name: [] for name in values}
    for counts in _resamples(len(number), len(clusters), bootstrap):
        for name, column in zip(means, _means(list(means.values()), own, counts), strict=True):
            drawn[name].append(column)
        for name in values.keys() - means.keys():
            drawn[name].append(_medians(values[name], own, counts))
    centres = {name: np.mean(column) if name in means else np.median(column) for name, column in values.items()}
    return {name: _interval(float(centres[name]), drawn[name], bootstrap.level) for name in values}


def _resamples(clusters: int, queries: int, bootstrap: Bootstrap) -> Iterator[NDArray[np.int64]]:
    """Blocks (b, c) of how often each cluster is drawn: multinomial counts, c draws in each row."""
    random = np.random.default_rng(bootstrap.seed)
    for start, stop in blocks(bootstrap.resamples, queries, BLOCK):
        draws = random.integers(clusters, size=(stop - start, clusters))
        draws += clusters * np.arange(stop - start)[:, None]
        yield np.bincount(draws.ravel(), minlength=(stop - start) * clusters).reshape(-1, clusters)


def _means(columns: Sequence[Values], own: NDArray[np.int64], counts: NDArray[np.int64]) -> Values:
    """(m, b) means of m metrics in each resample: counts times the clusters' sums, over counts times their sizes."""
    sums = [np.bincount(own, weights=column) for column in (*columns, np.ones(len(own)))]
    totals = np.asarray(np.stack(sums) @ counts.T.astype(np.float64), np.float64)
    return np.asarray(totals[:-1] / totals[-1], np.float64)


def _medians(column: Values, own: NDArray[np.int64], counts: NDArray[np.int64]) -> Values:
    """(b,) medians, each value weighted by how often its cluster was drawn."""
    order = np.argsort(column)
    below = np.cumsum(counts[:, own[order]], axis=1)
    size = below[:, -1:]
    low, high = (np.argmax(below > middle, axis=1) for middle in ((size - 1) // 2, size // 2))
    ordered = column[order]
    return np.asarray((ordered[low] + ordered[high]) / 2, np.float64)


def _interval(value: float, drawn: Sequence[Values], level: float) -> Estimate:
    """Ends are resampled values, never between two: a median rank may be infinite."""
    if not drawn:
        return Estimate(value, value, value)
    resamples, tail = np.sort(np.concatenate(drawn)), (1 - level) / 2
    last = len(resamples) - 1
    return Estimate(value, float(resamples[floor(tail * last)]), float(resamples[ceil((1 - tail) * last)]))
