"""Tests of a difference between two models, and what a sample could show.

- The randomisation test: under the null hypothesis the two models' names may be swapped within any cluster, so the
  difference is as likely under any signs of whole clusters (Fisher 1935; Noreen 1989; Smucker et al. 2007 for
  retrieval): p = (1 + flips at least as far from 0) / (1 + flips), two-sided.
- The paired bootstrap: p = (1 + draws at least as far from the difference as it is from 0) / (1 + draws) (Efron and
  Tibshirani 1993, chapter 16; the +1 as Davison and Hinkley 1997, section 4.2).
- The smallest difference that a two-sided test at 5 % finds with 80 % power: (z_0.975 + z_0.8) · SE = 2.80 · SE, with
  SE the standard error of the difference from the clusters' paired sums. Where no cluster differs from another SE is 0
  and says nothing: six clusters must differ, all one way, before sign flips reach 5 % (2 · 2^−6), and a share of 7.9/c
  of the clusters gives six or more with 80 % power.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mirante.evaluation.clusters import Clusters, Values
from mirante.evaluation.intervals import NORMAL, ROUNDING
from mirante.evaluation.ranks import BLOCK, blocks

POWER, LEVEL = 0.8, 0.05
NEEDED = NORMAL.inv_cdf(1 - LEVEL / 2) + NORMAL.inv_cdf(POWER)
SIX = 7.906
"""A Poisson variable of this mean is 6 or more with probability 0.8."""


def randomisation(columns: Sequence[Values], clusters: Clusters, *, flips: int, seed: int) -> list[float]:
    """The two-sided p value of each of m columns of (q,) differences; all see the same signs.

    Args:
        columns: paired differences per query.
        clusters: of the q queries; all differences of a cluster change sign together.
        flips: how many random signs.
        seed: of the signs.
    """
    sums = np.stack([clusters.sums(column) for column in columns])
    totals = sums.sum(axis=1)
    least = np.abs(totals) - ROUNDING * np.abs(sums).sum(axis=1)
    far = np.zeros(len(columns), np.int64)
    for kept in _coins(flips, len(clusters), seed):
        flipped = 2 * (sums @ kept.T) - totals[:, None]
        far += np.count_nonzero(np.abs(flipped) >= least[:, None], axis=1)
    return [float(chance) for chance in (1 + far) / (1 + flips)]


def centred(draws: Values, value: float) -> float:
    """The two-sided p value of `value` from (b,) bootstrap draws of it, centred; 1 without draws."""
    far = np.count_nonzero(np.abs(draws - value) >= abs(value) - ROUNDING)
    return float((1 + far) / (1 + len(draws)))


def holm(chances: Sequence[float]) -> list[float]:
    """Correct m p values for their number, in the order given: the k-th smallest times m − k + 1, never falling.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]

    Source: Holm 1979.
    """
    corrected, worst = [0.0] * len(chances), 0.0
    for done, at in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        worst = max(worst, min(1.0, (len(chances) - done) * chances[at]))
        corrected[at] = worst
    return corrected


def smallest_difference(differences: Values, clusters: Clusters) -> float:
    """The true mean difference that a two-sided test at 5 % finds with 80 % power, from (q,) paired differences."""
    error = clusters.standard_error(differences)
    return NEEDED * error if error > ROUNDING else min(1.0, SIX / len(clusters))


def _coins(flips: int, clusters: int, seed: int) -> Iterator[Values]:
    """Blocks (b, c) of fair coins, 0 or 1."""
    random = np.random.default_rng([seed, 1])
    width = -(-clusters // 8)
    for start, stop in blocks(flips, clusters, BLOCK):
        bits = np.frombuffer(random.bytes((stop - start) * width), np.uint8).reshape(-1, width)
        yield np.unpackbits(bits, axis=1, count=clusters).astype(np.float64)
