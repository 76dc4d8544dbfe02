"""How far a model stretches cosines before they become probabilities: its own learned scale and bias.

Cosines of image and text lie close together; the model learned by how much to multiply them. Sources: CLIP's
`logit_scale` and its cap of 100 (Radford et al. 2021, arXiv 2103.00020, §2.5); SigLIP's scale and bias (Zhai et al.
2023, arXiv 2303.15343, §3).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirante.types import Encoder, Vectors

ASSUMED = 100.0
"""CLIP's largest scale, at which its published models ended; taken for an encoder that says none of its own."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Scale and bias of a model's logits.

    Args:
        factor: what a cosine is multiplied by.
        bias: of a sigmoid model, added after it; None for a softmax model.
        learned: whether the model says so itself.
    """

    factor: float
    bias: float | None = None
    learned: bool = True

    def softmax(self, cosines: Vectors) -> NDArray[np.float64]:
        """(n, c) cosines → (n, c) probabilities among the c texts, each row adds up to 1."""
        logits = self.factor * np.asarray(cosines, np.float64)
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True), np.float64)

    def match(self, cosines: Vectors) -> NDArray[np.float64] | None:
        """(n, c) cosines → (n, c) probabilities of a sigmoid model that each text fits, whatever the others do."""
        if self.bias is None:
            return None
        logits = self.factor * np.asarray(cosines, np.float64) + self.bias
        return np.asarray(1 / (1 + np.exp(-logits)), np.float64)


def scale_of(encoder: Encoder) -> Scale:
    """The scale that `encoder` learned; `ASSUMED` for one without a network of its own."""
    module: Any = getattr(encoder, "module", None)
    factor, bias = (getattr(module, name, None) for name in ("logit_scale", "logit_bias"))
    if factor is None:
        return Scale(ASSUMED, learned=False)
    return Scale(float(factor.detach().exp()), None if bias is None else float(bias.detach()))
