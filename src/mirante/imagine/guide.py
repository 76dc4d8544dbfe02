"""What a picture is drawn towards: prompts as rows of an encoder, and how far a picture is from them.

Source of the distance: Crowson et al. 2022 (VQGAN-CLIP, arXiv 2204.08583, §3.2), the square of the great-circle angle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from mirante.encoders import _tensors
from mirante.errors import UsageError
from mirante.types import Encoder, Term, Vectors


def spherical_distance(rows: Tensor, aims: Tensor) -> Tensor:
    """Half the squared angle between unit rows: (B, d) and (t, d) → (B, t), from 0 to π²/2.

    The angle is twice the arcsine of half the chord, which keeps its precision where the cosine loses it.
    """
    squared = (rows[:, None, :] - aims[None, :, :]).square().sum(dim=-1)
    half = (squared.clamp(min=1e-12).sqrt() / 2).clamp(max=1 - 1e-6)
    return 2 * half.asin().square()


@dataclass(frozen=True)
class Aims:
    """Prompts in an encoder's space.

    Args:
        rows: (t, d) unit rows, one for each prompt.
        weights: (t,) how much each counts; a picture moves away from those below 0.
    """

    rows: Tensor
    weights: Tensor

    def distance(self, rows: Tensor) -> Tensor:
        """(B, d) unit rows → (B,): the weighted mean of the distances to the prompts."""
        return spherical_distance(rows, self.rows) @ self.weights / self.weights.abs().sum()


class Guide:
    """An encoder whose features of a picture have a gradient; its weights are frozen.

    Args:
        encoder: one with a path with gradient from pixels to features.

    Raises:
        UsageError: it has none.
    """

    def __init__(self, encoder: Any) -> None:
        self.sides = _tensors.sides(encoder)
        self._encoder = encoder
        encoder.module.requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        found: torch.device = self._encoder.device
        return found

    def features(self, rgb: Tensor) -> Tensor:
        """(B, 3, h, w) pictures with values from 0 to 1 → (B, d) unit rows, with gradient."""
        if rgb.shape[-2:] != self.sides:
            rgb = interpolate(rgb, self.sides, mode="bicubic", antialias=True, align_corners=False)
        features = self._encoder.image_features(_tensors.as_pixels(self._encoder, rgb))
        return normalize(features.float(), dim=-1)

    def aims(self, terms: Sequence[Term]) -> Aims:
        """The prompts as it sees them."""
        rows = torch.from_numpy(prompt_rows(self._encoder, terms)).to(self.device)
        return Aims(rows, torch.tensor([term.weight for term in terms], device=self.device))


def prompt_rows(encoder: Encoder, terms: Sequence[Term]) -> Vectors:
    """The unit row of each prompt, (t, d) float32.

    Raises:
        UsageError: no prompts, or all of them weigh nothing.
    """
    if not any(term.weight for term in terms):
        raise UsageError(f"The {len(terms)} prompts weigh nothing: give one with a weight other than 0.")
    rows = np.empty((len(terms), encoder.dim), np.float32)
    for row, term in zip(rows, terms, strict=True):
        row[:] = encoder.encode_images([term.image])[0] if term.image else encoder.encode_texts([term.text or ""])[0]
    return rows
