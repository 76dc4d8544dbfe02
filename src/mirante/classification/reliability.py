"""Whether probabilities mean what they say: of the answers given 80 %, are 80 % right?

Source: expected calibration error with bins of equal width (Guo et al. 2017, arXiv 1706.04599, §2): bin m of M holds
the confidences in ((m − 1)/M, m/M], the first bin 0 too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirante.errors import UsageError

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose confidence lies in (low, high]: how many, their mean confidence, the share that is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """The bins that hold an answer, and the mean of |accuracy − confidence| over them, weighted by their counts."""

    error: float
    bins: tuple[Bin, ...]


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Compare what was said with what was so.

    Args:
        confidence: (n,) probabilities of the answers given.
        right: (n,) whether each was right.
        bins: number of bins of equal width over [0, 1].

    Raises:
        UsageError: no answers, or not one truth for each.
    """
    if not len(confidence) or len(confidence) != len(right):
        raise UsageError(f"{len(confidence)} confidences and {len(right)} truths: give one truth for each answer.")
    own = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    found = [_bin(at, bins, confidence[own == at], right[own == at]) for at in np.unique(own).tolist()]
    error = sum(one.count * abs(one.accuracy - one.confidence) for one in found) / len(confidence)
    return Reliability(error, tuple(found))


def _bin(at: int, bins: int, confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Bin:
    return Bin(at / bins, (at + 1) / bins, len(right), float(confidence.mean()), float(right.mean()))
