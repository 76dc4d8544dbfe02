"""95 % intervals by the bootstrap, clustered: queries about one image are drawn together.

The five captions of an image are not five independent observations; drawing images, not queries, keeps the interval
honest. Two methods, both on the same resamples:

- `bca`, the default: bias-corrected and accelerated (Efron 1987), its tails widened for few clusters as Hesterberg
  2015 (section 5.3, "expanded") does for percentiles: t instead of z, and √(c/(c−1));
- `percentile` (Efron and Tibshirani 1993, chapter 13).

Where no cluster differs from another, as when every query is right, no resample differs either, and both would give
an interval of width 0. There the interval is Clopper and Pearson's (1934) for c clusters that all agree: with
confidence 1 − α/2 at most a share u = 1 − (α/2)^(1/c) of the clusters that were not seen is otherwise (about 3.7/c,
the two-sided rule of three), and those may lie anywhere in the metric's range.

`benchmarks/intervals.py` measures the coverage; docs/results/intervals.md holds the figures.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np

from mirante.errors import UsageError
from mirante.evaluation.clusters import Clusters, Values
from mirante.evaluation.resampling import Resampled, resample
from mirante.types import Estimate

Method: TypeAlias = Literal["bca", "percentile"]
NORMAL = NormalDist()
SHARE = (0.0, 1.0)
"""The range of every metric that is a mean."""
ROUNDING = 1e-12


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn.

    Args:
        resamples: number of resamples; 0 for no intervals.
        seed: the same seed gives the same intervals.
        level: coverage of an interval.
        method: how resamples become an interval.
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95
    method: Method = "bca"


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
    found = resample(values, Clusters.of(clusters), medians=medians, resamples=bootstrap.resamples, seed=bootstrap.seed)
    return {name: interval(one, bootstrap, None if name in medians else SHARE) for name, one in found.items()}


def interval(one: Resampled, bootstrap: Bootstrap, span: tuple[float, float] | None) -> Estimate:
    """The interval of a resampled figure.

    Its ends are resampled values, never between two: a median rank may be infinite.

    Args:
        one: the figure, its draws and influences.
        bootstrap: level and method.
        span: least and greatest value that the figure of a single query can take, for samples without variation; None
            leaves their interval without width, which is right for a median.
    """
    draws, tail = np.sort(one.draws), (1 - bootstrap.level) / 2
    if not len(draws):
        return Estimate(one.value, one.value, one.value)
    if span and np.ptp(draws) <= ROUNDING * (span[1] - span[0]):
        return _unanimous(one.value, span, len(one.influence), tail)
    tails = (tail, 1 - tail) if bootstrap.method == "percentile" else _accelerated(one, tail)
    last = len(draws) - 1
    return Estimate(one.value, float(draws[floor(tails[0] * last)]), float(draws[ceil(tails[1] * last)]))


def _unanimous(value: float, span: tuple[float, float], clusters: int, tail: float) -> Estimate:
    low, high = span
    if not low <= value <= high:
        return Estimate(value, value, value)
    unseen = 1 - tail ** (1 / clusters)
    return Estimate(value, value - unseen * (value - low), value + unseen * (high - value))


def _accelerated(one: Resampled, tail: float) -> tuple[float, float]:
    """The two quantiles of the draws that BCa takes: Φ(z₀ + (z₀ ± z) / (1 − a (z₀ ± z))), with z expanded."""
    count, clusters = len(one.draws), len(one.influence)
    equal = np.isclose(one.draws, one.value, rtol=ROUNDING, atol=ROUNDING)
    below = np.count_nonzero(~equal & (one.draws < one.value)) + np.count_nonzero(equal) / 2
    bias = NORMAL.inv_cdf(min(max(below / count, 1 / (count + 1)), count / (count + 1)))
    squares = float((one.influence**2).sum())
    acceleration = float((one.influence**3).sum()) / (6 * squares**1.5) if squares else 0.0
    z = _expanded(tail, clusters)
    return _tail(bias, -z, acceleration), _tail(bias, z, acceleration)


def _tail(bias: float, z: float, acceleration: float) -> float:
    room = 1 - acceleration * (bias + z)
    if room <= 0:  # beyond the pole: the acceleration is too great to say more than "the last draw"
        return 1.0 if z > 0 else 0.0
    return NORMAL.cdf(bias + (bias + z) / room)


def _expanded(tail: float, clusters: int) -> float:
    """|t| of c − 1 degrees of freedom at `tail`, times √(c/(c−1)); t by its expansion in 1/ν (Fisher 1925)."""
    z, degrees = -NORMAL.inv_cdf(tail), max(1, clusters - 1)
    t = z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
    return t * sqrt((degrees + 1) / degrees)
