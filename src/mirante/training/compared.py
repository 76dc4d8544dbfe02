"""The run of a model whose similarity of two rows is not their product, such as BLIP-2's nearest query."""

from typing import Protocol, runtime_checkable

import numpy as np

from mirante.evaluation.keys import tie_order
from mirante.types import Embeddings, Run, Vectors

_BLOCK = 64
"""Texts compared at once."""


@runtime_checkable
class Comparing(Protocol):
    """What compares rows in its own way."""

    def compare(self, texts: Vectors, images: Vectors) -> Vectors:
        """Rows of t texts and n pictures → (t, n) similarities."""


def compared(model: Comparing, texts: Embeddings, images: Embeddings) -> Run:
    """Every picture for every text, the best first, equal ones by the tie rule; 8 bytes for each pair of the two."""
    places = tie_order(images.ids)
    indices, scores = [], []
    for at in range(0, len(texts.ids), _BLOCK):
        found = model.compare(texts.vectors[at : at + _BLOCK], images.vectors)
        order = np.lexsort((np.broadcast_to(places, found.shape), found), axis=1)[:, ::-1]
        indices.append(order.astype(np.int32))
        scores.append(np.take_along_axis(found, order, axis=1))
    name = images.provenance.model or "mirante"
    return Run(texts.ids, images.ids, np.concatenate(indices), np.concatenate(scores), name)
