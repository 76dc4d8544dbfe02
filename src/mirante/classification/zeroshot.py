"""Zero-shot classification: the label whose text lies nearest to the picture, with probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mirante.classification.labels import Label
from mirante.classification.prompts import class_rows
from mirante.classification.scale import Scale, scale_of
from mirante.types import Encoder, Vectors


@dataclass(frozen=True)
class ZeroShot:
    """A classifier made of texts.

    Args:
        labels: c labels.
        rows: (c, d) unit rows of their prompts.
        scale: of the model.
    """

    labels: tuple[Label, ...]
    rows: Vectors
    scale: Scale

    @classmethod
    def of(cls, encoder: Encoder, labels: Sequence[Label], templates: Sequence[str]) -> Self:
        """The classifier of `encoder` for `labels` put into `templates`."""
        return cls(tuple(labels), class_rows(encoder, labels, templates), scale_of(encoder))

    def probabilities(self, images: Vectors) -> NDArray[np.float64]:
        """(n, d) unit rows of pictures → (n, c) probabilities, softmax over the labels at the model's scale."""
        return self.scale.softmax(images @ self.rows.T)

    def ranked(self, image: Vectors) -> list[dict[str, Any]]:
        """Every label for the (d,) unit row of one picture, most probable first; plain data.

        `match` is a sigmoid model's own probability that the label fits, whatever the other labels are; null for a
        softmax model.
        """
        cosines = image[np.newaxis] @ self.rows.T
        shares, match = self.scale.softmax(cosines)[0], self.scale.match(cosines)
        return [
            {
                "label": self.labels[at].name,
                "words": self.labels[at].words,
                "probability": float(shares[at]),
                "cosine": float(cosines[0, at]),
                "match": None if match is None else float(match[0, at]),
            }
            for at in order(shares[np.newaxis])[0].tolist()
        ]


def order(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n, c) probabilities → (n, c) classes, most probable first; of equal ones the earlier label."""
    return np.argsort(-probabilities, axis=1, kind="stable")
