"""CIDEr-D: how alike a caption is to its references, phrases that few pictures share counting most.

Source: Vedantam et al. 2015 (arXiv 1411.5726, §4 and §7.3): cosines of tf-idf weights of phrases of 1 to 4 words,
clipped, with a Gaussian penalty (σ = 6) on a difference of length, times 10, as the COCO caption evaluation has it. The
pictures that are judged are the corpus: figures over other pictures are of another scale.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirante.captioning.bleu import ORDER, phrases

SIGMA = 6.0
Phrase = tuple[str, ...]


@dataclass(frozen=True)
class _Weighed:
    """A text: of each length of phrase the tf-idf weights and their norm, and how many pairs of words it has."""

    weights: tuple[Mapping[Phrase, float], ...]
    norms: tuple[float, ...]
    pairs: int


def scores(captions: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> NDArray[np.float64]:
    """CIDEr-D of n captions, each with the references of its picture; (n,) values from 0 to 10."""
    shown = Counter(
        phrase
        for told in references
        for phrase in {one for reference in told for length in _LENGTHS for one in phrases(reference, length)}
    )
    total = math.log(len(references)) if references else 0.0

    def weigh(words: Sequence[str]) -> _Weighed:
        weights = tuple(
            {one: count * (total - math.log(max(1, shown[one]))) for one, count in phrases(words, length).items()}
            for length in _LENGTHS
        )
        norms = tuple(math.sqrt(sum(value * value for value in each.values())) for each in weights)
        return _Weighed(weights, norms, max(0, len(words) - 1))

    found = []
    for caption, told in zip(captions, references, strict=True):
        own = weigh(caption)
        found.append(10 * float(np.mean([_alike(own, weigh(reference)) for reference in told])))
    return np.array(found, dtype=np.float64)


_LENGTHS = range(1, ORDER + 1)


def _alike(own: _Weighed, other: _Weighed) -> float:
    """Mean over the lengths of the clipped cosine, less for a caption of another length."""
    total = 0.0
    for mine, theirs, norm, size in zip(own.weights, other.weights, own.norms, other.norms, strict=True):
        product = sum(min(value, theirs.get(one, 0.0)) * theirs.get(one, 0.0) for one, value in mine.items())
        total += product / (norm * size) if norm and size else 0.0
    return total / ORDER * math.exp(-((own.pairs - other.pairs) ** 2) / (2 * SIGMA**2))
