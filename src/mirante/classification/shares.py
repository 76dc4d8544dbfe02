"""Shares of independent observations with Wilson's interval, honest at 0 and 1 where a bootstrap has width 0."""

import math

from mirante.types import Estimate

_Z = 1.959964


def share(right: int, of: int) -> Estimate:
    """`right / of` with its 95 % score interval; of nothing, 0 between 0 and 1 (Wilson 1927).

    Example:
        >>> found = share(9, 10)
        >>> found.value, round(found.low, 3), round(found.high, 3)
        (0.9, 0.596, 0.982)
    """
    if not of:
        return Estimate(0.0, 0.0, 1.0)
    value, square = right / of, _Z**2 / of
    centre = (value + square / 2) / (1 + square)
    half = math.sqrt(value * (1 - value) * square + square**2 / 4) / (1 + square)
    return Estimate(value, max(0.0, centre - half), min(1.0, max(value, centre + half)))
