"""What several losses share: how little of a row's probability falls on what is true."""

import math

import torch
from torch import Tensor


def surprise(logits: Tensor, positives: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean, over the rows that have a positive, of −log of the probability of all their positives together.

    Args:
        logits: (n, m), of m choices for each of n anchors.
        positives: (n, m) bool. Each row may have several: that one of them is probable is enough.
        smoothing: share ε of the truth that is spread evenly over the m choices.

    Returns:
        A scalar; 0 where no row has a positive.
    """
    rows = positives.any(dim=1)
    logits, positives = logits[rows], positives[rows]
    if not len(logits):
        return logits.sum()
    total = logits.logsumexp(dim=1)
    missed = total - logits.masked_fill(~positives, float("-inf")).logsumexp(dim=1)
    if not smoothing:
        return missed.mean()
    uneven = total - math.log(logits.shape[1]) - logits.mean(dim=1)
    return ((1 - smoothing) * missed + smoothing * uneven).mean()


def symmetric(rows: Tensor, columns: Tensor, positives: Tensor, *, scale: Tensor | float, smoothing: float) -> Tensor:
    """The mean of `surprise` of each row over the columns and of each column over the rows.

    Args:
        rows: (n, d) of length 1.
        columns: (m, d) of length 1.
        positives: (n, m) bool.
        scale: factor of the cosines.
        smoothing: as in `surprise`.
    """
    logits = scale * rows @ columns.T
    there, back = surprise(logits, positives, smoothing), surprise(logits.T, positives.T, smoothing)
    return (there + back) / 2


def together(positives: Tensor) -> Tensor:
    """(n, m) bool → (n, n): whether two different rows share a positive; a row without one shares with none."""
    known = positives.to(torch.float32)
    return known @ known.T > 0
