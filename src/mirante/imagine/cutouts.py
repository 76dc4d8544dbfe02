"""Cut-outs: many slightly changed views of one picture, so that what pleases a guide must please it in all of them.

Source: Crowson et al. 2022 (VQGAN-CLIP, arXiv 2204.08583, §3.3). Nothing is mirrored, since prompts know left from
right; the first view is the whole picture, since they count and compare.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from mirante.errors import UsageError

_FINER = 1.5
"""A picture is shrunk to so many times the guide's side first, for cut-outs are sampled without a filter."""


@dataclass(frozen=True)
class Cutouts:
    """How a picture is looked at.

    Args:
        count: views at a time.
        smallest: side of the smallest view, as a share of the picture's.
        turn: largest turn, in degrees.
        tint: largest change of contrast and of each colour, as a share.
        noise: standard deviation of the noise on values from 0 to 1.
    """

    count: int = 16
    smallest: float = 0.7
    turn: float = 7.0
    tint: float = 0.2
    noise: float = 0.1

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 < self.smallest <= 1:
            raise UsageError(
                f"Cut-outs need a count of 1 or more and a smallest side above 0 and at most 1, not {self.count} and "
                f"{self.smallest}: change them."
            )

    def views(self, picture: Tensor, sides: tuple[int, int], chance: torch.Generator) -> Tensor:
        """(1, 3, H, W) with values from 0 to 1 → (count, 3, *sides), with gradient; the first is whole and unturned."""
        limit = math.ceil(_FINER * max(sides))
        if max(picture.shape[-2:]) > limit:
            share = limit / max(picture.shape[-2:])
            smaller = [max(1, round(side * share)) for side in picture.shape[-2:]]
            picture = interpolate(picture, smaller, mode="bicubic", antialias=True, align_corners=False)
        place = self._places(chance).to(picture.device)
        grid = affine_grid(place, [self.count, 3, *sides], align_corners=False)
        seen = grid_sample(
            picture.expand(self.count, -1, -1, -1),
            grid,
            mode="bilinear",
            padding_mode="reflection",
            align_corners=False,
        )
        return self._changed(seen, chance)

    def _places(self, chance: torch.Generator) -> Tensor:
        """(count, 2, 3): where each view lies, as `affine_grid` takes it."""
        share = self.smallest + (1 - self.smallest) * torch.rand(self.count, generator=chance)
        angle = math.radians(self.turn) * (2 * torch.rand(self.count, generator=chance) - 1)
        middle = 2 * torch.rand(self.count, 2, generator=chance) - 1
        share[0], angle[0] = 1, 0
        place = torch.zeros(self.count, 2, 3)
        place[:, 0, 0] = place[:, 1, 1] = share * angle.cos()
        place[:, 0, 1], place[:, 1, 0] = -share * angle.sin(), share * angle.sin()
        place[:, :, 2] = (1 - share)[:, None] * middle
        return place

    def _changed(self, seen: Tensor, chance: torch.Generator) -> Tensor:
        tint = 1 + self.tint * (2 * torch.rand(self.count, 3, 1, 1, generator=chance) - 1)
        contrast = 1 + self.tint * (2 * torch.rand(self.count, 1, 1, 1, generator=chance) - 1)
        noise = self.noise * torch.randn(seen.shape, generator=chance)
        tint, contrast, noise = (one.to(seen.device) for one in (tint, contrast, noise))
        return ((seen * tint - 0.5) * contrast + 0.5 + noise).clamp(0, 1)
