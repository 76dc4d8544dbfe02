"""Parametrisations: the numbers that are changed in place of a picture's pixels.

Each module here is one, named on the command line as `KIND` or `KIND:ADDRESS`, and provides
`open(address, settings) -> Parametrisation`: `address` is what follows the colon, `""` where nothing does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

import torch
from torch import Tensor

from mirante import registry
from mirante.errors import UsageError

__all__ = ["Drawing", "Parametrisation", "open_parametrisation", "through", "without_address"]

SMALLEST = 16


@dataclass(frozen=True)
class Drawing:
    """What a parametrisation starts from.

    Args:
        size: side of the picture in pixels; None for what suits it.
        seed: of its first numbers.
        device: where it runs.
    """

    size: int | None = None
    seed: int = 0
    device: torch.device | str = "cpu"

    def __post_init__(self) -> None:
        if self.size is not None and self.size < SMALLEST:
            raise UsageError(f"A picture of {self.size} pixels is too small: ask for {SMALLEST} or more.")

    def chance(self) -> torch.Generator:
        """Random numbers of its seed, on the processor, so that every device starts alike."""
        return torch.Generator().manual_seed(self.seed)


class Parametrisation(Interface):
    """A picture as numbers that an optimiser changes."""

    @property
    def rate(self) -> float:
        """The learning rate of Adam that suits it."""

    def parameters(self) -> Sequence[Tensor]:
        """What is changed: leaves that require a gradient."""

    def picture(self) -> Tensor:
        """(1, 3, size, size) with values from 0 to 1, with gradient."""

    def settle(self) -> None:
        """After each step: bring the numbers back to where they mean something."""


def open_parametrisation(address: str, drawing: Drawing) -> Parametrisation:
    """Open `KIND[:ADDRESS]`.

    Raises:
        UnknownName: no such kind.
        UsageError: the address or the size is wrong.
        ModelError: the checkpoint cannot be used.
        MissingLibrary: it needs a library that is not installed.
    """
    kind, _, rest = address.partition(":")
    opened: Parametrisation = registry.load(__name__, kind).open(rest, drawing)
    return opened


def without_address(kind: str, address: str) -> None:
    """Refuse an address where a kind takes none.

    Raises:
        UsageError: there is one.
    """
    if address:
        raise UsageError(f"{kind!r} has no weights and takes no address, not {address!r}: write {kind!r} alone.")


def through(values: Tensor) -> Tensor:
    """Values cut to 0 to 1, with the gradient of the uncut ones, so that none gets stuck outside."""
    return values + (values.clamp(0, 1) - values).detach()
