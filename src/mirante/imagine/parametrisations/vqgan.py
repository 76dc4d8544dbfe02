"""The latents of a VQGAN: a picture is put together from the pieces that it learnt, which leaves less room for noise.

Source: Crowson et al. 2022 (VQGAN-CLIP, arXiv 2204.08583). Each latent is replaced by the nearest code, and its
gradient goes past the replacement. `vqgan:ADDRESS` opens a folder or hub id in the format of diffusers' `VQModel`, or a
folder in the layout of taming-transformers (weights in safetensors, and its `.yaml`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mirante.errors import UsageError
from mirante.imagine.parametrisations import Drawing, _vqmodel, through

FAINT, PATCHES = 0.1, 3


class Latents:
    """The latents of one picture before their replacement by codes; they start at those of a faint wash of colours.

    Args:
        model: diffusers' `VQModel`; its weights are frozen.
        drawing: size, seed and device; the size must be a multiple of the pixels of a latent.
    """

    def __init__(self, model: Any, drawing: Drawing) -> None:
        self._model = model.to(drawing.device).requires_grad_(False).eval()
        step = 2 ** (len(model.config.block_out_channels) - 1)
        size = drawing.size or int(model.config.sample_size)
        if size % step:
            raise UsageError(
                f"This VQGAN draws {step} pixels a latent: ask for a size that {step} divides, not {size}."
            )
        codes = model.quantize.embedding.weight
        self._low, self._high = codes.amin(dim=0)[:, None, None], codes.amax(dim=0)[:, None, None]
        with torch.no_grad():
            started = model.encode(_wash(size, drawing).to(codes.device, codes.dtype)).latents
        self._latents = started.contiguous().requires_grad_()
        self.settle()
        self._scale = float((self._high - self._low).mean())

    @property
    def rate(self) -> float:
        """A twentieth of the span of the codes, which differs between models."""
        return self._scale / 20

    def parameters(self) -> Sequence[Tensor]:
        """The latents, (1, c, h, w)."""
        return (self._latents,)

    def picture(self) -> Tensor:
        """(1, 3, size, size) with values from 0 to 1, decoded from the codes nearest to the latents."""
        return through(self._model.decode(self._latents).sample / 2 + 0.5)

    def settle(self) -> None:
        """Latents stay within the span of the codes."""
        with torch.no_grad():
            self._latents.copy_(torch.maximum(torch.minimum(self._latents, self._high), self._low))


def _wash(size: int, drawing: Drawing) -> Tensor:
    """(1, 3, size, size) of a few faint colours that run into each other, from −0.1 to 0.1: nothing to clear away."""
    few = FAINT * (2 * torch.rand(1, 3, PATCHES, PATCHES, generator=drawing.chance()) - 1)
    return interpolate(few, (size, size), mode="bicubic", align_corners=False)


def open(address: str, drawing: Drawing) -> Latents:
    """A faint wash of colours, as the VQGAN at `address` sees it.

    Raises:
        UsageError: no address, or a size that its latents do not divide.
        ModelError: no VQGAN, or one that cannot be read.
        MissingLibrary: diffusers is not installed.
    """
    if not address:
        raise UsageError("'vqgan' needs weights: write vqgan:FOLDER or vqgan:OWNER/NAME.")
    return Latents(_vqmodel.read(address), drawing)
