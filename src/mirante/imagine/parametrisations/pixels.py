"""Raw pixels: each value for itself. The plainest start, and the easiest to fill with noise that only a guide sees."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mirante.imagine.parametrisations import Drawing, through, without_address

SIZE = 128


class Pixels:
    """A picture of grey noise whose values are changed one by one."""

    rate = 0.03

    def __init__(self, drawing: Drawing) -> None:
        side = drawing.size or SIZE
        start = 0.5 + 0.05 * torch.randn(1, 3, side, side, generator=drawing.chance())
        self._values = start.to(drawing.device).requires_grad_()

    def parameters(self) -> Sequence[Tensor]:
        """The values."""
        return (self._values,)

    def picture(self) -> Tensor:
        """(1, 3, size, size) with values from 0 to 1."""
        return through(self._values)

    def settle(self) -> None:
        """Values outside 0 to 1 come back."""
        with torch.no_grad():
            self._values.clamp_(0, 1)


def open(address: str, drawing: Drawing) -> Pixels:
    """A new picture.

    Raises:
        UsageError: an address is given.
    """
    without_address("pixels", address)
    return Pixels(drawing)
