"""Text-defined filters: keep or drop pictures by what texts say, at a threshold chosen on labelled pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.classification.shares import share
from mirante.errors import UsageError
from mirante.types import Encoder, Estimate, Vectors

Pool: TypeAlias = Literal["max", "mean"]
LEAST = 4
"""Different pictures with and without a match that are needed to choose a threshold and to measure it."""


@dataclass(frozen=True)
class TextFilter:
    """A score for pictures: how well they match some texts, less how well they match others.

    Args:
        texts: (t, d) unit rows of the texts that a match is about.
        contrast: (u, d) unit rows of texts that speak against it; u may be 0.
        pool: whether the best of several texts counts, or their mean.
    """

    texts: Vectors
    contrast: Vectors
    pool: Pool = "max"

    @classmethod
    def of(cls, encoder: Encoder, texts: Sequence[str], *, contrast: Sequence[str] = (), pool: Pool = "max") -> Self:
        """The filter of an encoder.

        Raises:
            UsageError: there is no text.
        """
        if not texts:
            raise UsageError("A filter without texts matches nothing: say what to drop or to keep.")
        rows = encoder.encode_texts([*texts, *contrast])
        return cls(rows[: len(texts)], rows[len(texts) :], pool)

    def scores(self, images: Vectors) -> NDArray[np.float64]:
        """(n, d) unit rows of pictures → (n,) scores, the higher the better the match."""
        matched = self._pooled(images @ self.texts.T)
        return matched - self._pooled(images @ self.contrast.T) if len(self.contrast) else matched

    def _pooled(self, cosines: Vectors) -> NDArray[np.float64]:
        pooled = cosines.max(axis=1) if self.pool == "max" else cosines.mean(axis=1)
        return np.asarray(pooled, np.float64)


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold chosen on one half of labelled pictures, and measured on the other.

    Args:
        threshold: pictures that score as much or more match.
        precision: share of the matching pictures of the other half that should match.
        recall: share of those that should match which do.
        examples: different pictures of the other half.
        positives: those of them that should match.
    """

    threshold: float
    precision: Estimate
    recall: Estimate
    examples: int
    positives: int


def choose(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], *, precision: float | None = None, seed: int = 0
) -> Choice:
    """Choose a threshold on a random half of labelled pictures and measure it on the other half.

    Args:
        scores: (n,) of different pictures.
        truth: (n,) whether each should match.
        precision: wanted: the lowest threshold that has it, so that recall is highest; None for the best F1.
        seed: of the halves; each has half of the pictures that should match.

    Raises:
        UsageError: too few pictures with or without a match, or no threshold has the wanted precision.
    """
    positives, negatives = np.flatnonzero(truth), np.flatnonzero(~truth)
    if min(len(positives), len(negatives)) < LEAST:
        raise UsageError(
            f"{len(positives)} labelled pictures should match and {len(negatives)} should not: at least {LEAST} "
            "different ones of each are needed to choose a threshold and to measure it."
        )
    random = np.random.default_rng(seed)
    first = np.concatenate([random.permutation(one)[: (len(one) + 1) // 2] for one in (positives, negatives)])
    chosen = threshold(scores[first], truth[first], precision=precision)
    rest = np.setdiff1d(np.arange(len(scores)), first)
    matched, so = scores[rest] >= chosen, truth[rest]
    both = int((matched & so).sum())
    return Choice(
        chosen, share(both, int(matched.sum())), share(both, int(so.sum())), examples=len(rest), positives=int(so.sum())
    )


def threshold(scores: NDArray[np.float64], truth: NDArray[np.bool_], *, precision: float | None = None) -> float:
    """The threshold of best F1, or the lowest one with the wanted precision; halfway to the next lower score.

    Raises:
        UsageError: no threshold has the wanted precision.
    """
    levels = np.unique(scores)
    matched = len(scores) - np.searchsorted(np.sort(scores), levels)
    right = truth.sum() - np.searchsorted(np.sort(scores[truth]), levels)
    precisions = right / matched
    if precision is None:
        best = int(np.argmax(2 * right / (matched + truth.sum())))
    else:
        enough = np.flatnonzero(precisions >= precision)
        if not len(enough):
            raise UsageError(
                f"No threshold reaches the precision {precision:g} on the labelled pictures, the best reaches "
                f"{precisions.max():.3f}: ask for less, or change the texts."
            )
        best = int(enough[0])
    return float(levels[best] if best == 0 else (levels[best] + levels[best - 1]) / 2)
