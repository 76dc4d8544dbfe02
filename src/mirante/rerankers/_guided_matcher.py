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
from mirante.rerankers._guide import Said, Told
from mirante.rerankers._guided import Guided, SteeredBase
from mirante.rerankers._guiding import Guiding, Sizes, check

if TYPE_CHECKING:
    from mirante.encoders._qformer import QFormerEncoder


class GuidedMatcher(SteeredBase):
    """BLIP-2, guided; the score is a match and a cosine. See `SteeredBase`.

    Raises:
        UsageError: the base has no such layer, or `guiding` is not possible.
    """

    kind: Final = "matching"
    encoder: "QFormerEncoder"

    def __init__(self, encoder: "QFormerEncoder", guiding: Guiding) -> None:
        check(guiding)
        tower = PromptedVision(encoder, guiding.entry)
        words = int(encoder.module.config.qformer_config.hidden_size)
        super().__init__(encoder, tower, guiding, Sizes(encoder.width, words, tower.width, LENGTH))

    def read(self, texts: Sequence[str]) -> Said:
        """What the base makes of T texts; each row is of the text alone, (T, d') of length 1."""
        with torch.no_grad():
            given = self.encoder.tokens(list(texts))
            said = self.encoder.family.reads(self.encoder.module, given)
            rows = self.encoder.family.row(self.encoder.module, said)
            return Said(rows, said.float(), given["attention_mask"].bool(), given["input_ids"])

    def scores(self, hidden: Hidden, said: Said, told: Told) -> Tensor:
        """(B,) logit of a match and cosine, of B texts each with a picture that was seen under it."""
        seen = self._guided(hidden, told)
        return self._match(seen, said) + best(said.rows, self._looks(seen))

    def match(self, hidden: Hidden, said: Said, told: Told) -> Tensor:
        """The same → (B,) logits of a match alone, which training judges."""
        return self._match(self._guided(hidden, told), said)

    def base(self, hidden: Hidden, said: Said) -> Tensor:
        """(T, B) cosines of T texts with B pictures that nothing guides, each of the nearest query: the base's own."""
        looked = self._looks(self.tower.upper(hidden, unsteered))
        return torch.einsum("td,bqd->tbq", said.rows, looked).amax(dim=2)

    def _looks(self, seen: Tensor) -> Tensor:
        return self.encoder.family.looks(self.encoder.module, seen)

    def _match(self, seen: Tensor, said: Said) -> Tensor:
        tokens = {"input_ids": cast("Tensor", said.ids), "attention_mask": said.seen.long()}
        return self.encoder.family.match(self.encoder.module, tokens, seen)


AnyGuided: TypeAlias = Guided | GuidedMatcher
"""A base of either kind, with its guide."""
