"""Pairwise sigmoid, the loss of SigLIP: each text-image cell is a yes-or-no question of its own.

Source: Zhai et al. 2023 (arXiv 2303.15343), with a learned scale and bias that start at 10 and −10. Any number of
positives per text or image is natural here. Cells need nothing of each other, so the T × B table is worked on in blocks
of texts: each block gives its cost and its part of the gradient, and its memory serves the next.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

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
        rows = (images, texts, self.logit_scale.exp(), self.logit_bias)
        total: Tensor = _Cells.apply(*rows, positives, self.block)  # type: ignore[no-untyped-call]
        return total / len(texts)


class _Cells(Function):
    """The sum of −log σ(±z) over all cells, z = scale · cosine + bias; the gradient is found beside the value."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor, positives: Truth, block: int
    ) -> Tensor:
        """Rows (B, d) and (T, d), scale and bias () → scalar."""
        size = min(block, len(texts))
        z, slope = (images.new_empty(size, len(images)) for _ in range(2))
        total, of_scale, of_bias = (images.new_zeros(()) for _ in range(3))
        of_images, of_texts = torch.zeros_like(images), torch.empty_like(texts)
        for at in range(0, len(texts), size):
            part, true = texts[at : at + size], positives[at : at + size]
            z, slope = z[: len(part)], slope[: len(part)]
            torch.mm(scale * part, images.T, out=z).add_(bias)
            z[true] *= -1
            torch.sigmoid(z, out=slope)[true] *= -1
            total += torch.logaddexp(z, z.new_zeros(()), out=z).sum()
            pull = torch.mm(slope, images, out=of_texts[at : at + size])
            of_scale += (pull * part).sum()
            of_bias += slope.sum()
            of_images.addmm_(slope.T, part)
        ctx.save_for_backward(of_images.mul_(scale), of_texts.mul_(scale), of_scale, of_bias)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of rows, scale and bias."""
        return *(weight * gradient for gradient in ctx.saved_tensors), None, None
