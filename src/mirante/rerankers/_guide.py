"""What a query says to the image tower: the base's reading of the text, and the two kinds of module that pass it on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mirante.rerankers._guiding import Sizes

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder
    from mirante.encoders._prompted import Steer

Told: TypeAlias = tuple[Tensor, ...]
"""What a guide made of T queries; each tensor has T rows."""


@dataclass(frozen=True)
class Said:
    """T queries as the base's text tower gives them.

    Args:
        rows: (T, d) of length 1.
        tokens: (T, n, w) hidden states after the last layer.
        seen: (T, n) bool, False for padding that the tower does not see.
        ids: (T, n) int64, the tokenizer's own, where a picture is judged together with them (BLIP-2).
    """

    rows: Tensor
    tokens: Tensor
    seen: Tensor
    ids: Tensor | None = None

    def __getitem__(self, chosen: Tensor) -> "Said":
        """The queries of those numbers, (m,) int64."""
        ids = None if self.ids is None else self.ids[chosen]
        return Said(self.rows[chosen], self.tokens[chosen], self.seen[chosen], ids)


class Guide(Protocol):
    """A module that passes queries on to the image tower."""

    def __call__(self, said: Said) -> Told:
        """What is passed on of T queries."""

    def steer(self, told: Told, first: int) -> "Steer":
        """How B pictures go through the upper layers, each under its own of B queries; `first` as the tower says."""


def read(encoder: "DualEncoder", texts: list[str]) -> Said:
    """What the base makes of texts, without gradient."""
    with torch.no_grad():
        given = encoder.tokens(texts)
        hidden = encoder.module.text_model(**given).last_hidden_state
        seen = given.get("attention_mask", torch.ones_like(given["input_ids"])).bool()
        return Said(normalize(encoder.text_features(given).float(), dim=-1), hidden.float(), seen)


def sizes(encoder: "DualEncoder") -> Sizes:
    """The widths of a base."""
    text, vision = encoder.module.config.text_config, encoder.module.config.vision_config
    return Sizes(encoder.dim, int(text.hidden_size), int(vision.hidden_size), encoder.texts.length)
