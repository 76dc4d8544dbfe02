"""Checks of a loss's options, which come from a configuration as numbers of any kind."""

import math


def real(
    name: str, value: float, *, least: float = -math.inf, above: float = -math.inf, below: float = math.inf
) -> float:
    """The number `value`, at least `least`, more than `above` and less than `below`.

    Raises:
        ValueError: it is no number, or out of range; the message says which.
    """
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not known or not (least <= value and above < value < below):
        words = {"at least": least, "more than": above, "less than": below}
        limits = " and ".join(f"{word} {limit:g}" for word, limit in words.items() if math.isfinite(limit))
        raise ValueError(f"{name} must be a number{' of ' * bool(limits)}{limits}, not {value!r}")
    return float(value)


def count(name: str, value: float) -> int:
    """The whole number `value`, 1 or more; 1024.0 will do.

    Raises:
        ValueError: it is not one.
    """
    if real(name, value, least=1) % 1:
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    return int(value)
