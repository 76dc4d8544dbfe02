"""A BLIP-2 and its guide (ELIP-B): a picture that was looked at under a query is matched with that query.

Source: Zhan et al. 2025 (ELIP, arXiv 2502.15682). The score is the logit of a match (ITM) and the cosine of the nearest
query (ITC), both of the guided hidden states; where nothing is told it is what `itm:` gives.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import torch
from torch import Tensor

from mirante.encoders._matcher import LENGTH, best
from mirante.encoders._prompted import Hidden, unsteered
from mirante.encoders._prompted_vision import PromptedVision
from mirante.rerankers._guide import Guide, Said, Told
from mirante.rerankers._guided import Guided, make
from mirante.rerankers._guiding import Guiding, Sizes, check

if TYPE_CHECKING:
    from PIL.Image import Image

    from mirante.encoders._qformer import QFormerEncoder


class GuidedMatcher:
    """Pictures seen under queries by a frozen BLIP-2.

    Args:
        encoder: its weights stay as they are.
        guiding: how queries guide its image tower.

    Attributes:
        guide: the module that is trained.

    Raises:
        UsageError: the base has no such layer, or `guiding` is not possible.
    """

    kind: Final = "matching"

    def __init__(self, encoder: "QFormerEncoder", guiding: Guiding) -> None:
        check(guiding)
        self.encoder, self.guiding = encoder, guiding
        self.tower = PromptedVision(encoder, guiding.entry)
        words = int(encoder.module.config.qformer_config.hidden_size)
        self.guide = make(guiding, Sizes(encoder.width, words, self.tower.width, LENGTH)).to(encoder.device)

    def see(self, images: "Sequence[Image]") -> Hidden:
        """RGB pictures up to the layer where queries enter; nothing here depends on one."""
        with torch.inference_mode():
            return self.lower(cast("Tensor", self.encoder.pixels(images)))

    def lower(self, pixels: Tensor) -> Hidden:
        """The same of (B, 3, H, W)."""
        return self.tower.lower(pixels)

    def read(self, texts: Sequence[str]) -> Said:
        """What the base makes of T texts; each row is of the text alone, (T, d') of length 1."""
        with torch.no_grad():
            given = self.encoder.tokens(list(texts))
            said = self.encoder.family.reads(self.encoder.module, given)
            rows = self.encoder.family.row(self.encoder.module, said)
            return Said(rows, said.float(), given["attention_mask"].bool(), given["input_ids"])

    def say(self, said: Said) -> Told:
        """What the guide makes of it."""
        return cast("Guide", self.guide)(said)

    def scores(self, hidden: Hidden, said: Said, told: Told) -> Tensor:
        """(B,) logit of a match and cosine, of B texts each with a picture that was seen under it.

        Args:
            hidden: B pictures, from `see`.
            said: B texts, from `read`.
            told: B rows, from `say`.
        """
        seen = self._guided(hidden, told)
        return self._match(seen, said) + best(said.rows, self._looks(seen))

    def match(self, hidden: Hidden, said: Said, told: Told) -> Tensor:
        """The same → (B,) logits of a match alone, which training judges."""
        return self._match(self._guided(hidden, told), said)

    def base(self, hidden: Hidden, said: Said) -> Tensor:
        """(T, B) cosines of T texts with B pictures that nothing guides, each of the nearest query: the base's own."""
        looked = self._looks(self.tower.upper(hidden, unsteered))
        return torch.einsum("td,bqd->tbq", said.rows, looked).amax(dim=2)

    def _guided(self, hidden: Hidden, told: Told) -> Tensor:
        return self.tower.upper(hidden, cast("Guide", self.guide).steer(told, self.tower.first))

    def _looks(self, seen: Tensor) -> Tensor:
        return self.encoder.family.looks(self.encoder.module, seen)

    def _match(self, seen: Tensor, said: Said) -> Tensor:
        tokens = {"input_ids": cast("Tensor", said.ids), "attention_mask": said.seen.long()}
        return self.encoder.family.match(self.encoder.module, tokens, seen)


AnyGuided: TypeAlias = Guided | GuidedMatcher
"""A base of either kind, with its guide."""
