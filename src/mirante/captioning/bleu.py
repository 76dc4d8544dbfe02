"""BLEU-4 of captions: how many of their words and short phrases the references have.

Source: Papineni et al. 2002 (ACL), over the whole corpus, with the closest reference length, as the COCO caption
evaluation counts it (Chen et al. 2015, arXiv 1504.00325). Where no phrase of four words matches, the value is 0.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ORDER = 4
Counts = NDArray[np.float64]


def phrases(words: Sequence[str], length: int) -> Counter[tuple[str, ...]]:
    """How often each run of `length` words occurs."""
    return Counter(tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def counts(caption: Sequence[str], references: Sequence[Sequence[str]]) -> Counts:
    """What one caption adds: (10,) matches of 1 to 4 words, phrases of 1 to 4 words, own and reference length."""
    matches, totals = [], []
    for length in range(1, ORDER + 1):
        most: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            most |= phrases(reference, length)
        own = phrases(caption, length)
        matches.append((own & most).total())
        totals.append(own.total())
    closest = min((abs(len(one) - len(caption)), len(one)) for one in references)[1]
    return np.array([*matches, *totals, len(caption), closest], dtype=np.float64)


def value(summed: Counts) -> Counts:
    """BLEU-4 of summed counts: (..., 10) → (...,), from 0 to 1."""
    matches, totals = summed[..., :ORDER], summed[..., ORDER : 2 * ORDER]
    own, other = summed[..., 2 * ORDER], summed[..., 2 * ORDER + 1]
    some = matches.min(axis=-1) > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.log(matches / totals).mean(axis=-1)
        short = np.minimum(0.0, 1 - other / own)
        return np.where(some, np.exp(mean + short), 0.0)
