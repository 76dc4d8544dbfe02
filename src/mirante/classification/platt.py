"""A logistic curve through right and wrong answers: Platt 1999, with his smoothed targets, by Newton's method.

The smoothing keeps the slopes finite where right and wrong answers do not overlap.
"""

import numpy as np
from numpy.typing import NDArray

from mirante.search.calibration import Curve

_RIDGE = 1e-6
_STEPS = 100
_DONE = 1e-10

Values = NDArray[np.float64]


def fit_curve(cosines: Values, standing: Values, weights: Values, *, right: NDArray[np.bool_]) -> Curve:
    """The curve of greatest likelihood.

    Args:
        cosines: (n,) of answers.
        standing: (n,) standard deviations by which they stand out.
        weights: (n,) of the answers.
        right: (n,) whether relevant.
    """
    features = np.stack([cosines, standing], axis=1)
    centre = np.average(features, axis=0, weights=weights)
    width = np.sqrt(np.average(np.square(features - centre), axis=0, weights=weights))
    width[width == 0] = 1
    rows = np.column_stack([np.ones(len(features)), (features - centre) / width])
    targets = np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))
    found = _newton(rows, targets, weights / weights.sum())
    slopes = found[1:] / width
    return Curve(float(found[0] - slopes @ centre), float(slopes[0]), float(slopes[1]))


def _newton(rows: Values, targets: Values, weights: Values) -> Values:
    """Coefficients (3,) of least weighted cross-entropy and a slight ridge; a step is halved until it helps."""
    found = np.zeros(rows.shape[1])
    loss = _loss(rows, targets, weights, found)
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (weights * (said - targets)) + _RIDGE * found
        bend = (rows * (weights * said * (1 - said))[:, None]).T @ rows + _RIDGE * np.eye(len(found))
        step = np.linalg.solve(bend, slope)
        while (tried := _loss(rows, targets, weights, found - step)) > loss and np.abs(step).max() > _DONE:
            step = step / 2
        found, gained, loss = found - step, loss - tried, tried
        if gained < _DONE:
            break
    return found


def _loss(rows: Values, targets: Values, weights: Values, found: Values) -> float:
    odds = rows @ found
    return float(weights @ (np.logaddexp(0, odds) - targets * odds) + _RIDGE / 2 * found @ found)
