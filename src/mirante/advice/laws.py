"""The shapes that a learning curve may have, and what each makes of the points: two saturating power laws.

- `c − a·n^(−b)` ("pow3" of Viering and Loog 2021, arXiv 2103.10948): steepest at the start, for shares that are already
  on the way to saturation;
- `s + (c − s) / (1 + (k/n)^b)`, from the model as it is, s, to c: for few pictures a rising power of n, for many the
  first law. It is the one that a model follows which knows next to nothing at first.

No law and no exponent is chosen, because a few shares cannot tell: each bootstrap sample of R@1 draws one in proportion
to how well it fits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]

EXPONENTS = tuple(float(one) for one in np.geomspace(0.1, 2.0, 24))
"""The exponents b that are thought possible. Hestness et al. 2017 (arXiv 1712.00409) find 0.07 to 0.35 for training
from nothing; fine-tunes rise faster."""
RISING = 0.8
"""How likely the second law is before the points are seen: it begins where the model does, the first one anywhere."""
HALVES = 32
"""So many values of k, from a tenth of the smallest share to ten times all of the data."""


@dataclass(frozen=True)
class Fit:
    """One law with its exponents at its best for each of s resamples: R@1(n) = top − fall · decline(n).

    Args:
        error: (s,) squared deviations from the points, by their covariance.
        top: (s,) R@1 in the end.
        fall: (s,) how far below the law begins.
        decline: (r,) what is left of that where the curve is wanted.
        prior: how likely it is before the points are seen.
    """

    error: Values
    top: Values
    fall: Values
    decline: Values
    prior: float


@dataclass(frozen=True)
class Task:
    """What is fitted.

    Args:
        sizes: (m,) numbers of pictures that were learnt from.
        draws: (s, m) R@1 there, one resample a row.
        start: (s,) R@1 of the model as it is.
        weight: (m, m) inverse of the covariance of R@1 at `sizes`.
        reach: (r,) numbers of pictures where the curve is wanted, rising.
    """

    sizes: Values
    draws: Values
    start: Values
    weight: Values
    reach: Values


def fits(task: Task) -> Iterator[Fit]:
    """Every law with every exponent, at its best."""
    for exponent in EXPONENTS:
        yield _falling(task, exponent)
    halves = np.geomspace(task.sizes[0] / 10, 10 * task.reach[-1], HALVES)
    for exponent in EXPONENTS:
        for half in halves.tolist():
            yield _rising(task, exponent, half)


def precision(draws: Values) -> Values:
    """(m, m) inverse of the covariance of (s, m) draws."""
    spread = np.cov(draws, rowvar=False) + 1e-8 * np.eye(draws.shape[1])
    return np.asarray(np.linalg.inv(spread), np.float64)


def _falling(task: Task, exponent: float) -> Fit:
    """C − a·n^(−b): the best c, 1 at most, and a, 0 or more."""
    powers, weight, draws = task.sizes**-exponent, task.weight, task.draws
    design = np.stack([np.ones_like(powers), -powers], axis=1)
    top, fall = np.linalg.solve(design.T @ weight @ design, design.T @ weight @ draws.T)
    level = draws @ weight.sum(axis=1) / weight.sum()
    from_one = (1 - draws) @ weight @ powers / (powers @ weight @ powers)
    top, fall = np.where(fall < 0, level, top), np.maximum(fall, 0.0)
    top, fall = np.minimum(top, 1.0), np.where(top > 1, np.maximum(from_one, 0.0), fall)
    error = _squared(draws - (top[:, None] - fall[:, None] * powers), weight)
    return Fit(error, top, fall, task.reach**-exponent, (1 - RISING) / len(EXPONENTS))


def _rising(task: Task, exponent: float, half: float) -> Fit:
    """S + (c − s) / (1 + (k/n)^b): the best c between 0 and 1."""
    share, beyond = (1 / (1 + (half / n) ** exponent) for n in (task.sizes, task.reach))
    weight = task.weight
    rest = task.draws - task.start[:, None] * (1 - share)
    top = np.clip(rest @ weight @ share / (share @ weight @ share), 0.0, 1.0)
    error = _squared(rest - top[:, None] * share, weight)
    return Fit(error, top, top - task.start, 1 - beyond, RISING / (len(EXPONENTS) * HALVES))


def _squared(missed: Values, weight: Values) -> Values:
    return np.asarray(np.einsum("si,ij,sj->s", missed, weight, missed, optimize=True), np.float64)
