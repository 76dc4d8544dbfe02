"""A parametrisation in one file: a picture as the sum of pictures of 2, 4, 8, … pixels, each made as large as the last.

A step moves whole regions at once, through the small pictures, and details through the large ones; `pixels` has the
last of them only.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mirante.imagine.parametrisations import Drawing, through, without_address

SIZE = 128  # pixels a side where none are asked for


class Pyramid:
    """See `mirante.imagine.parametrisations.Parametrisation`; grey at first, with faint noise on every level."""

    rate = 0.02

    def __init__(self, drawing: Drawing) -> None:
        self._side, chance = drawing.size or SIZE, drawing.chance()
        sides = [side for side in (2**level for level in range(1, 20)) if side < self._side] + [self._side]
        noise = [0.02 * torch.randn(1, 3, side, side, generator=chance) for side in sides]
        self._levels = [level.to(drawing.device).requires_grad_() for level in noise]

    def parameters(self) -> Sequence[Tensor]:
        return self._levels

    def picture(self) -> Tensor:
        size = (self._side, self._side)
        return through(0.5 + sum(interpolate(one, size, mode="bilinear", align_corners=False) for one in self._levels))

    def settle(self) -> None:
        with torch.no_grad():  # no level may say by itself more than white or black
            for level in self._levels:
                level.clamp_(-0.5, 0.5)


def open(address: str, drawing: Drawing) -> Pyramid:
    without_address("pyramid", address)
    return Pyramid(drawing)
