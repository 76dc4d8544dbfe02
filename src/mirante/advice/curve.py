"""A learning curve: R@1 after fine-tuning on a few shares of the data, and what all of it should give.

The curve is a saturating power law, R@1(n) = c − a·n^(−b) with a ≥ 0 and c ≤ 1 ("pow3" of Viering and Loog 2021,
arXiv 2103.10948). Three shares can hardly tell its exponent, so none is chosen: for each bootstrap sample of the
held-out images (all shares on the same draws) an exponent is drawn in proportion to how well its best curve fits, and
that curve is extrapolated. The spread of what comes out is the interval. To every point a deviation of `NOISE` is
added, because another seed or another draw of the pictures would move it, which the held-out images do not show. Where
no such law comes near the points, all deviations are widened until one does (Birge 1932), and the curve is doubted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.evaluation.clusters import Clusters
from mirante.evaluation.resampling import resample
from mirante.types import Estimate

Values: TypeAlias = NDArray[np.float64]
Doubt: TypeAlias = Literal["few-points", "few-pictures", "misfit", "no-rise", "far", "wide"]

EXPONENTS = np.linspace(0.05, 1.5, 30)
"""The exponents b that are thought possible; learning curves of neural networks lie within (Hestness et al. 2017,
arXiv 1712.00409, find 0.07 to 0.35 for training from nothing)."""
NOISE = 0.01
"""Standard deviation of R@1 from run to run, a share: seeds, and which pictures were drawn."""
RESAMPLES = 2000
POINTS = 3
"""Fewer trained shares than this determine no curve."""
PICTURES = 100
"""The largest share must have so many pictures."""
MISFIT = 4.0
"""Squared deviations, of a degree of freedom, by which the best law may miss the points."""
STOPS = 25
"""Places along the curve where it is told."""
REACH = 10.0
"""A curve is followed to at most so many times its largest share."""


@dataclass(frozen=True)
class Point:
    """One share of the data.

    Args:
        pictures: n, that were learnt from; 0 for the model as it is.
        hits: (q,) whether each query of the held-out data found its image at rank 1.
    """

    pictures: int
    hits: Values


@dataclass(frozen=True)
class Curve:
    """What the shares tell about all of the data.

    Args:
        points: (pictures, R@1 with its interval) of each point, the model as it is first.
        pictures: n of all the data.
        expected: R@1 after learning from all of it.
        gain: the same less that of the model as it is, on the same held-out images.
        measured_gain: what the largest share that was tried gained.
        line: (pictures, R@1 with its interval) along the curve, from the smallest trained share to all; empty where
            there are too few points for a curve.
        doubts: why the extrapolation is not to be trusted; empty where it is.
    """

    points: tuple[tuple[int, Estimate], ...]
    pictures: int
    expected: Estimate
    gain: Estimate
    measured_gain: Estimate
    line: tuple[tuple[float, Estimate], ...]
    doubts: tuple[Doubt, ...]

    @property
    def trusted(self) -> bool:
        """Whether nothing speaks against the extrapolation."""
        return not self.doubts


def extrapolate(points: Sequence[Point], clusters: Sequence[str], pictures: int, *, seed: int = 0) -> Curve:
    """Follow the curve through `points` to all the data.

    Args:
        points: by rising number of pictures, first the model as it is (0 pictures), then at least one trained one.
        clusters: (q,) names; queries of one name are drawn together.
        pictures: n of all the data.
        seed: of the bootstrap and of the exponents.
    """
    random = np.random.default_rng((seed, 1))
    columns = {str(at): one.hits for at, one in enumerate(points)}
    held = resample(columns, Clusters.of(clusters), resamples=RESAMPLES, seed=seed)
    values = np.array([held[name].value for name in columns])
    draws = np.stack([held[name].draws for name in columns], axis=1)
    measured = tuple((one.pictures, _estimate(values[at], draws[:, at])) for at, one in enumerate(points))
    sizes = np.array([one.pictures for one in points[1:]], np.float64)
    draws = draws + np.pad(random.normal(0, NOISE, (RESAMPLES, len(sizes))), ((0, 0), (1, 0)))
    expected, line, missed = draws[:, -1], list[tuple[float, Estimate]](), 0.0
    if len(sizes) > 1:
        missed = misfit(sizes, values[1:], draws[:, 1:])
        wide = values[1:] + (draws[:, 1:] - values[1:]) * max(1.0, missed) ** 0.5
        reach = np.unique(np.append(np.geomspace(sizes[0], pictures, STOPS), pictures))
        followed = follow(sizes, wide, reach, random)
        expected = followed[:, -1]
        line = [(float(n), _middle(followed[:, at])) for at, n in enumerate(reach)]
    gain, tried = _middle(expected - draws[:, 0]), _estimate(values[-1] - values[0], draws[:, -1] - draws[:, 0])
    doubts = _doubts(sizes, draws[:, 1:], pictures, gain=gain, missed=missed)
    return Curve(measured, pictures, _middle(expected), gain, tried, tuple(line), doubts)


def misfit(sizes: Values, values: Values, draws: Values) -> float:
    """Squared deviations, of a degree of freedom, by which the best law misses the measured `values`.

    Args:
        sizes: (m,) numbers of pictures.
        values: (m,) R@1 there.
        draws: (s, m) resamples of it.
    """
    weight = _weight(draws)
    errors = (float(_fit(np.power(sizes, -b), values[None], weight)[2][0]) for b in EXPONENTS.tolist())
    return min(errors) / max(1, len(sizes) - 2)


def follow(sizes: Values, draws: Values, reach: Values, random: np.random.Generator) -> Values:
    """R@1 at `reach` by one curve for each row of `draws`.

    Args:
        sizes: (m,) numbers of pictures, m of 2 or more.
        draws: (s, m) R@1 at `sizes`, one resample a row.
        reach: (r,) numbers of pictures.
        random: draws the exponents.

    Returns:
        (s, r) shares.
    """
    weight = _weight(draws)
    fits = [_fit(np.power(sizes, -b), draws, weight) for b in EXPONENTS.tolist()]
    errors = np.stack([error for _, _, error in fits], axis=1)
    likely = np.exp(-0.5 * (errors - errors.min(axis=1, keepdims=True)))
    chosen = (likely.cumsum(axis=1) / likely.sum(axis=1, keepdims=True) < random.random((len(draws), 1))).sum(axis=1)
    rows = np.arange(len(draws))
    tops, falls = (np.stack([fit[part] for fit in fits], axis=1)[rows, chosen] for part in (0, 1))
    return np.asarray(np.clip(tops[:, None] - falls[:, None] * reach[None] ** -EXPONENTS[chosen][:, None], 0.0, 1.0))


def _weight(draws: Values) -> Values:
    """(m, m) the inverse of the covariance of (s, m) draws."""
    spread = np.cov(draws, rowvar=False) + 1e-8 * np.eye(draws.shape[1])
    return np.asarray(np.linalg.inv(spread), np.float64)


def _fit(powers: Values, draws: Values, weight: Values) -> tuple[Values, Values, Values]:
    """The best c and a (0 or more, c at most 1) of c − a·`powers` for each row, and its weighted squared error."""
    design = np.stack([np.ones_like(powers), -powers], axis=1)
    top, fall = np.linalg.solve(design.T @ weight @ design, design.T @ weight @ draws.T)
    level = draws @ weight.sum(axis=1) / weight.sum()
    below = (1 - draws) @ weight @ powers / (powers @ weight @ powers)
    top, fall = np.where(fall < 0, level, top), np.maximum(fall, 0.0)
    top, fall = np.minimum(top, 1.0), np.where(top > 1, np.maximum(below, 0.0), fall)
    missed = draws - (top[:, None] - fall[:, None] * powers[None])
    return top, fall, np.einsum("si,ij,sj->s", missed, weight, missed)


def _doubts(sizes: Values, draws: Values, pictures: int, *, gain: Estimate, missed: float) -> tuple[Doubt, ...]:
    rise = draws[:, -1] - draws[:, 0]
    held: dict[Doubt, bool] = {
        "few-points": len(sizes) < POINTS,
        "few-pictures": sizes[-1] < PICTURES,
        "misfit": missed > MISFIT,
        "no-rise": len(sizes) > 1 and float(np.quantile(rise, 0.025)) <= 0,
        "far": pictures > REACH * sizes[-1],
        "wide": gain.high - gain.low > abs(gain.value),
    }
    return tuple(doubt for doubt, holds in held.items() if holds)


def _estimate(value: float, draws: Values) -> Estimate:
    low, high = np.quantile(draws, (0.025, 0.975))
    return Estimate(float(value), float(low), float(high))


def _middle(draws: Values) -> Estimate:
    return _estimate(float(np.median(draws)), draws)
