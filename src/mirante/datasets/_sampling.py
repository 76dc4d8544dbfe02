"""Holding out images at random."""

import math
from collections.abc import Iterable

import numpy as np

from mirante.errors import UsageError
from mirante.types import Item


def split_at_random(
    items: Iterable[Item], fraction: float = 0.1, *, seed: int = 42
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Part items into (rest, held out), both in the order given; equal pictures stay on one side.

    Where all pictures differ, the held-out rows are those of `datasets.Dataset.train_test_split(fraction, seed=seed)`:
    the first `ceil(fraction * n)` of a permutation by numpy's default generator.

    Args:
        items: rows of a data set.
        fraction: share of the distinct pictures to hold out, between 0 and 1.
        seed: of the permutation.

    Raises:
        UsageError: `fraction` is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise UsageError(f"The fraction to hold out must lie between 0 and 1, not {fraction!r}: give 0.1 for 10 %.")
    kept = tuple(items)
    contents = list(dict.fromkeys(item.picture.content for item in kept))
    count = math.ceil(fraction * len(contents))
    held = {contents[place] for place in np.random.default_rng(seed).permutation(len(contents))[:count]}
    rest = tuple(item for item in kept if item.picture.content not in held)
    return rest, tuple(item for item in kept if item.picture.content in held)
