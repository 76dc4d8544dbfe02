"""The latents of a VQGAN: a picture is put together from the pieces that it learnt, which leaves less room for noise.

Source: Crowson et al. 2022 (VQGAN-CLIP, arXiv 2204.08583). Each latent is replaced by the nearest code, and its
gradient goes past the replacement. `vqgan:ADDRESS` opens a folder or hub id in the format of diffusers' `VQModel`, or a
folder in the layout of taming-transformers (weights in safetensors, and its `.yaml`).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mirante.errors import UsageError
from mirante.imagine.parametrisations import Drawing, _vqmodel, through


class Latents:
    """The latents of one picture before their replacement by codes.

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
        chosen = torch.randint(len(codes), (1, size // step, size // step), generator=drawing.chance())
        self._low, self._high = codes.amin(dim=0)[:, None, None], codes.amax(dim=0)[:, None, None]
        self._latents = codes[chosen.to(codes.device)].permute(0, 3, 1, 2).contiguous().requires_grad_()
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


def open(address: str, drawing: Drawing) -> Latents:
    """Random codes of the VQGAN at `address`.

    Raises:
        UsageError: no address, or a size that its latents do not divide.
        ModelError: no VQGAN, or one that cannot be read.
        MissingLibrary: diffusers is not installed.
    """
    if not address:
        raise UsageError("'vqgan' needs weights: write vqgan:FOLDER or vqgan:OWNER/NAME.")
    return Latents(_vqmodel.read(address), drawing)
