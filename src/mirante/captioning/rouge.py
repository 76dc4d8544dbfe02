"""ROUGE-L: how much of a caption stands in its references in the same order.

Source: Lin 2004 (ACL workshop "Text Summarization Branches Out"), with β = 1.2 and the best precision and recall over
the references, as the COCO caption evaluation has it (Chen et al. 2015, arXiv 1504.00325).
"""

from collections.abc import Sequence

BETA = 1.2


def score(caption: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """ROUGE-L of one caption, from 0 to 1.

    >>> round(score("a red cat".split(), ["a cat".split()]), 4)
    0.8299
    """
    if not caption:
        return 0.0
    common = [(common_length(caption, one), len(one)) for one in references if one]
    precision = max((found / len(caption) for found, _ in common), default=0.0)
    recall = max((found / length for found, length in common), default=0.0)
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Words of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for at, held in enumerate(other, 1):
            before, row[at] = row[at], before + 1 if word == held else max(row[at], row[at - 1])
    return row[-1]
