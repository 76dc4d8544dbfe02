"""A base and its guide: the score of a picture that was looked at under a query."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mirante.encoders._prompted import Hidden, PromptedTower, unsteered
from mirante.rerankers._attention import Attention
from mirante.rerankers._guide import Guide, Said, Told, read, sizes
from mirante.rerankers._guiding import Guiding, Sizes, check
from mirante.rerankers._prompts import Prompts

if TYPE_CHECKING:
    from PIL.Image import Image

    from mirante.encoders._dual import DualEncoder, Pixels


class Guided:
    """Pictures seen under queries by a frozen base.

    Args:
        encoder: CLIP, SigLIP or SigLIP 2; its weights stay as they are.
        guiding: how queries guide its image tower.

    Attributes:
        guide: the module that is trained.

    Raises:
        UsageError: the base has no such layer, or `guiding` is not possible.
    """

    kind: Final = "dual"

    def __init__(self, encoder: "DualEncoder", guiding: Guiding) -> None:
        check(guiding)
        self.encoder, self.guiding = encoder, guiding
        self.tower = PromptedTower(encoder, guiding.entry)
        self.guide = make(guiding, sizes(encoder)).to(encoder.device)

    def see(self, images: "Sequence[Image]") -> Hidden:
        """RGB pictures up to the layer where queries enter; nothing here depends on one."""
        with torch.inference_mode():
            return self.lower(self.encoder.pixels(images))

    def lower(self, pixels: "Pixels") -> Hidden:
        """The same of what the base's processor gave."""
        return self.tower.lower(pixels)

    def read(self, texts: Sequence[str]) -> Said:
        """What the base makes of T texts."""
        return read(self.encoder, list(texts))

    def say(self, said: Said) -> Told:
        """What the guide makes of it."""
        return cast("Guide", self.guide)(said)

    def scores(self, hidden: Hidden, said: Said, told: Told) -> Tensor:
        """Cosines of B texts, each to a picture that was seen under it.

        Args:
            hidden: B pictures, from `see`.
            said: B texts, from `read`.
            told: B rows, from `say`.
        """
        steer = cast("Guide", self.guide).steer(told, self.tower.first)
        seen = normalize(self.tower.upper(hidden, steer).float(), dim=-1)
        return (seen * said.rows).sum(dim=-1)

    def base(self, hidden: Hidden, said: Said) -> Tensor:
        """(T, B) cosines of T texts with B pictures that nothing guides: the base's own."""
        return said.rows @ normalize(self.tower.upper(hidden, unsteered).float(), dim=-1).T


def make(guiding: Guiding, of: Sizes) -> nn.Module:
    """A new guide; torch's global generator gives its start."""
    return Attention(guiding, of) if guiding.form == "attention" else Prompts(guiding, of)
