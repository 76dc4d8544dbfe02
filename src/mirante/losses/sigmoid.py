"""Pairwise sigmoid, the loss of SigLIP: each text-image cell is a yes-or-no question of its own.

Source: Zhai et al. 2023 (arXiv 2303.15343), with a learned scale and bias that start at 10 and −10. Any number of
positives per text or image is natural here.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class Loss(nn.Module):
    """−log σ(±(scale · cosine + bias)), summed over the images of each text, then averaged over texts."""

    def __init__(self, scale: float = 10.0, bias: float = -10.0) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.logit_bias = nn.Parameter(torch.tensor(bias))

    def forward(self, images: Tensor, texts: Tensor, positives: Tensor) -> Tensor:
        """Images (B, d) and texts (T, d) of length 1, positives (T, B) bool → scalar."""
        logits = self.logit_scale.exp() * texts @ images.T + self.logit_bias
        signs = positives[:].to(logits.dtype) * 2 - 1
        return -functional.logsigmoid(signs * logits).sum(dim=1).mean()
