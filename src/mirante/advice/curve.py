"""A learning curve: R@1 after fine-tuning on a few shares of the data, and what all of it should give.

All shares see the same bootstrap samples of the held-out images, and each sample is followed to all of the data along a
law of `laws` that is drawn in proportion to its fit; the spread of what comes out is the interval. To every point a
deviation of `NOISE` is added, because another seed or another draw of the pictures would move it, which the held-out
images do not show. Where no law comes near the points, all deviations are widened until one does (Birge 1932), and the
curve is doubted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from mirante.advice.laws import Task, Values, fits, precision
from mirante.evaluation.clusters import Clusters
from mirante.evaluation.resampling import resample
from mirante.types import Estimate

Doubt: TypeAlias = Literal["few-points", "few-pictures", "misfit", "no-rise", "far", "wide"]

NOISE = 0.03
"""Standard deviation of R@1 from run to run, a share: seeds, and which pictures were drawn. Over eight runs on 40, 200
and 800 pictures of `scenes` with Portuguese captions it was 0.032."""
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
        reach = np.unique(np.append(np.geomspace(sizes[0], pictures, STOPS), pictures))
        missed = misfit(sizes, values, draws)
        followed = follow(sizes, values + (draws - values) * max(1.0, missed) ** 0.5, reach, random)
        expected = followed[:, -1]
        line = [(float(n), _middle(followed[:, at])) for at, n in enumerate(reach)]
    gain, tried = _middle(expected - draws[:, 0]), _estimate(values[-1] - values[0], draws[:, -1] - draws[:, 0])
    doubts = _doubts(sizes, draws[:, 1:], pictures, gain=gain, missed=missed)
    return Curve(measured, pictures, _middle(expected), gain, tried, tuple(line), doubts)


def misfit(sizes: Values, values: Values, draws: Values) -> float:
    """Squared deviations, of a degree of freedom, by which the best law misses the measured `values`.

    Args:
        sizes: (m,) numbers of pictures.
        values: (1 + m,) R@1 of the model as it is and there.
        draws: (s, 1 + m) resamples of it.
    """
    weight = precision(draws[:, 1:])
    task = Task(sizes, values[None, 1:], values[:1], weight, reach=sizes[-1:])
    return min(float(one.error[0]) for one in fits(task)) / max(1, len(sizes) - 2)


def follow(sizes: Values, draws: Values, reach: Values, random: np.random.Generator) -> Values:
    """R@1 at `reach` by one curve for each row of `draws`.

    Args:
        sizes: (m,) numbers of pictures, m of 2 or more.
        draws: (s, 1 + m) R@1 of the model as it is and at `sizes`, one resample a row.
        reach: (r,) numbers of pictures, rising.
        random: draws the laws.

    Returns:
        (s, r) shares.
    """
    task = Task(sizes, draws[:, 1:], draws[:, 0], precision(draws[:, 1:]), reach)
    held = list(fits(task))
    errors = np.stack([one.error for one in held], axis=1)
    likely = np.exp(-0.5 * (errors - errors.min(axis=1, keepdims=True))) * np.array([one.prior for one in held])
    below = likely.cumsum(axis=1) < random.random((len(draws), 1)) * likely.sum(axis=1, keepdims=True)
    chosen = [(row, held[at]) for row, at in enumerate(below.sum(axis=1).tolist())]
    followed = np.stack([one.top[row] - one.fall[row] * one.decline for row, one in chosen])
    return np.asarray(np.clip(followed, 0.0, 1.0), np.float64)


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
