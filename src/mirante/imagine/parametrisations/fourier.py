"""A picture as its frequencies, large ones first, in colours that vary independently; needs no weights.

Source: Olah, Mordvintsev and Schubert 2017 (Feature Visualization, distill.pub, "Preconditioning and
parameterization"): each frequency is scaled by its inverse, as natural pictures have them, and the three channels are
mixed by the square root of the covariance of colours in ImageNet.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mirante.imagine.parametrisations import Drawing, without_address

SIZE = 128
COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""Row c: how the three independent channels mix into red, green or blue."""


class Fourier:
    """A picture by the real and imaginary parts of its spectrum.

    Args:
        drawing: size, seed and device.
        decay: power of the frequency by which amplitudes fall.
    """

    rate = 0.05

    def __init__(self, drawing: Drawing, decay: float = 1.0) -> None:
        side = drawing.size or SIZE
        self._side = side
        down, across = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)[None, :]
        frequency = (down.square() + across.square()).sqrt().clamp(min=1 / side)
        self._scale = (frequency**-decay / side**0.5 * 4).to(drawing.device)
        mix = torch.tensor(COLOURS)
        self._mix = (mix / mix.norm(dim=0).max()).to(drawing.device)
        start = 0.01 * torch.randn(3, *frequency.shape, 2, generator=drawing.chance())
        self._spectrum = start.to(drawing.device).requires_grad_()

    def parameters(self) -> Sequence[Tensor]:
        """The spectrum, (3, size, size // 2 + 1, 2)."""
        return (self._spectrum,)

    def picture(self) -> Tensor:
        """(1, 3, size, size) with values from 0 to 1."""
        scaled = torch.view_as_complex(self._spectrum) * self._scale
        channels = torch.fft.irfft2(scaled, s=(self._side, self._side), norm="ortho")
        return torch.einsum("cf,fhw->chw", self._mix, channels).sigmoid()[None]

    def settle(self) -> None:
        """Any spectrum is a picture."""


def open(address: str, drawing: Drawing) -> Fourier:
    """A new picture.

    Raises:
        UsageError: an address is given.
    """
    without_address("fourier", address)
    return Fourier(drawing)
