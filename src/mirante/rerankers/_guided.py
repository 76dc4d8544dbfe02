"""A base and its guide: the score of a picture that was looked at under a query."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mirante.encoders._prompted import Hidden, PromptedTower, SteeredTower, unsteered
from mirante.rerankers._attention import Attention
from mirante.rerankers._guide import Guide, Said, Told, read, sizes
from mirante.rerankers._guiding import Guiding, Sizes, check
from mirante.rerankers._prompts import Prompts

if TYPE_CHECKING:
    from PIL.Image import Image

    from mirante.encoders._dual import DualEncoder, Pixels


class SteeredBase(ABC):
    """Pictures seen under queries by a frozen base.

    Args:
        encoder: its weights stay as they are.
        tower: its image tower, cut where queries enter.
        guiding: how queries guide it.
        of: the base's widths.

    Attributes:
        guide: the module that is trained.
    """

    def __init__(self, encoder: "DualEncoder", tower: SteeredTower, guiding: Guiding, of: Sizes) -> None:
        self.encoder, self.tower, self.guiding = encoder, tower, guiding
        self.guide = make(guiding, of).to(encoder.device)

    def see(self, images: "Sequence[Image]") -> Hidden:
        """RGB pictures up to the layer where queries enter; nothing here depends on one."""
        with torch.inference_mode():
            return self.lower(self.encoder.pixels(images))

    def lower(self, pixels: "Pixels") -> Hidden:
        """The same of what the base's processor gave."""
        return self.tower.lower(pixels)

    @abstractmethod
    def read(self, texts: Sequence[str]) -> Said:
        """What the base makes of T texts."""

    def say(self, said: Said) -> Told:
        """What the guide makes of it."""
        return cast("Guide", self.guide)(said)

    @abstractmethod
    def scores(self, hidden: Hidden, said: Said, told: Told) -> Tensor:
        """(B,) scores of B texts, each with a picture that was seen under it.

        Args:
            hidden: B pictures, from `see`.
            said: B texts, from `read`.
            told: B rows, from `say`.
        """

    @abstractmethod
    def base(self, hidden: Hidden, said: Said) -> Tensor:
        """(T, B) cosines of T texts with B pictures that nothing guides: the base's own."""

    def _guided(self, hidden: Hidden, told: Told) -> Tensor:
        """What the tower gives of pictures that are guided."""
        return self.tower.upper(hidden, cast("Guide", self.guide).steer(told, self.tower.first))


class Guided(SteeredBase):
    """CLIP, SigLIP or SigLIP 2, guided; the score is a cosine. See `SteeredBase`.

    Raises:
        UsageError: the base has no such layer, or `guiding` is not possible.
    """

    kind: Final = "dual"

    def __init__(self, encoder: "DualEncoder", guiding: Guiding) -> None:
        check(guiding)
        super().__init__(encoder, PromptedTower(encoder, guiding.entry), guiding, sizes(encoder))

    def read(self, texts: Sequence[str]) -> Said:
        """What the base makes of T texts."""
        return read(self.encoder, list(texts))

    def scores(self, hidden: Hidden, said: Said, told: Told) -> Tensor:
        """(B,) cosines of B texts, each with a picture that was seen under it."""
        return (normalize(self._guided(hidden, told).float(), dim=-1) * said.rows).sum(dim=-1)

    def base(self, hidden: Hidden, said: Said) -> Tensor:
        """(T, B) cosines of T texts with B pictures that nothing guides: the base's own."""
        return said.rows @ normalize(self.tower.upper(hidden, unsteered).float(), dim=-1).T


def make(guiding: Guiding, of: Sizes) -> nn.Module:
    """A new guide; torch's global generator gives its start."""
    return Attention(guiding, of) if guiding.form == "attention" else Prompts(guiding, of)
