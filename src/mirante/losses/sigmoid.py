"""Pairwise sigmoid, the loss of SigLIP: each text-image cell is a yes-or-no question of its own.

Source: Zhai et al. 2023 (arXiv 2303.15343), with a learned scale and bias that start at 10 and −10. Any number of
positives per text or image is natural here. Cells need nothing of each other, so a large batch is worked on in blocks
of texts, each computed again in the backward pass: of the T × B table one block at a time is held.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid
from torch.utils.checkpoint import checkpoint

from mirante.losses._options import count, real
from mirante.losses._positives import Truth


class Loss(nn.Module):
    """−log σ(±(scale · cosine + bias)), summed over the images of each text, then averaged over texts.

    Args:
        scale: factor of the cosines at the start.
        bias: added to them, at the start.
        block: texts worked on at once; it changes memory, not the value.

    Raises:
        ValueError: an option is out of range.
    """

    def __init__(self, scale: float = 10.0, bias: float = -10.0, block: int = 1024) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(real("scale", scale, above=0))))
        self.logit_bias = nn.Parameter(torch.tensor(real("bias", bias)))
        self.block = count("block", block)

    def forward(self, images: Tensor, texts: Tensor, positives: Truth) -> Tensor:
        """Images (B, d) and texts (T, d) of length 1, positives (T, B) bool → scalar."""
        if len(texts) <= self.block:
            return self._cost(images, texts, positives, 0) / len(texts)
        total = images.new_zeros(())
        for at in range(0, len(texts), self.block):
            part = texts[at : at + self.block]
            total = total + checkpoint(
                self._cost, images, part, positives, at, use_reentrant=False, preserve_rng_state=False
            )
        return total / len(texts)

    def _cost(self, images: Tensor, texts: Tensor, positives: Truth, at: int) -> Tensor:
        """The sum over the cells of the texts from `at` on."""
        logits = self.logit_scale.exp() * texts @ images.T + self.logit_bias
        return -logsigmoid(torch.where(positives[at : at + len(texts)], logits, -logits)).sum()
