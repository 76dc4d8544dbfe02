"""Hidden states of pictures, kept for the next query that asks for them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from mirante.types import Picture

if TYPE_CHECKING:
    from PIL.Image import Image


class Kept:
    """The pictures that were asked for last.

    Args:
        see: B pictures → (B, ...) hidden states.
        size: pictures kept at most, beyond those of one call.
    """

    def __init__(self, see: "Callable[[list[Image]], torch.Tensor]", size: int = 512) -> None:
        self.size = size
        self._see, self._rows = see, OrderedDict[str, torch.Tensor]()

    def rows(self, pictures: Sequence[Picture]) -> torch.Tensor:
        """(B, ...) of the pictures, in their order; those that are not kept are loaded and seen."""
        missing = [one for one in pictures if one.content not in self._rows]
        if missing:
            hidden = self._see([one.load() for one in missing])
            self._rows.update(zip((one.content for one in missing), hidden, strict=True))
        for one in pictures:
            self._rows.move_to_end(one.content)
        found = torch.stack([self._rows[one.content] for one in pictures])
        while len(self._rows) > max(self.size, len(pictures)):
            self._rows.popitem(last=False)
        return found
