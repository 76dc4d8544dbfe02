"""Symmetric InfoNCE, the loss of CLIP, with several positives.

Source: Radford et al. 2021 (arXiv 2103.00020); an anchor with several positives counts the probability of all of
them together, so that equal captions are never negatives of each other.
"""

import math

import torch
from torch import Tensor, nn

MAX_SCALE = 100.0


class Loss(nn.Module):
    """Cross-entropy of each text over the images and of each image over the texts, at a learned temperature."""

    def __init__(self, scale: float = 1 / 0.07) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def forward(self, images: Tensor, texts: Tensor, positives: Tensor) -> Tensor:
        """Images (B, d) and texts (T, d) of length 1, positives (T, B) bool → scalar.

        A text without an image here, or an image without a text, is only a negative.
        """
        logits = self.logit_scale.exp().clamp(max=MAX_SCALE) * texts @ images.T
        table = positives[:]
        return (_one_way(logits, table) + _one_way(logits.T, table.T)) / 2


def _one_way(logits: Tensor, positives: Tensor) -> Tensor:
    """−log of the probability that each row gives to its positives, over rows that have one."""
    rows = positives.any(dim=1)
    logits, positives = logits[rows], positives[rows]
    if not len(logits):
        return logits.sum()
    hits = logits.masked_fill(~positives, float("-inf")).logsumexp(dim=1)
    return (logits.logsumexp(dim=1) - hits).mean()
