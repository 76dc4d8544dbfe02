"""What a query says to the image tower: the base's reading of the text, and the two kinds of module that pass it on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mirante.errors import UsageError

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder
    from mirante.encoders._prompted import Steer

Told: TypeAlias = tuple[Tensor, ...]
"""What a guide made of T queries; each tensor has T rows."""

HEADS = 4
_WIDTH = 256


@dataclass(frozen=True)
class Guiding:
    """How a query guides the image tower.

    Args:
        form: `"prompts"`, tokens beside the patches (ELIP), or `"attention"`, in which every patch looks at the words
            of the query through a gate that starts shut (as in Flamingo: Alayrac et al. 2022, arXiv 2204.14198).
        entry: layers that a picture passes before it is guided; 0 is the paper's form, and what is below needs no
            query.
        deep: layers that are guided, from there on.
        prompts: m, tokens that enter (`form = "prompts"` only).
        reads: `"pooled"`, the query's row in the shared space (the paper), or `"tokens"`, every token of it, which
            still knows which word stands where.
        width: of the hidden layers; 0 for the paper's 1024 per prompt, or 256 where tokens are read.
        dropout: while it is trained.
    """

    form: Literal["prompts", "attention"] = "prompts"
    entry: int = 0
    deep: int = 1
    prompts: int = 10
    reads: Literal["pooled", "tokens"] = "pooled"
    width: int = 0
    dropout: float = 0.0

    @property
    def inner(self) -> int:
        """Width of the hidden layers."""
        return self.width or (1024 * self.prompts if self.reads == "pooled" else _WIDTH)


@dataclass(frozen=True)
class Said:
    """T queries as the base's text tower gives them.

    Args:
        rows: (T, d) of length 1.
        tokens: (T, n, w) hidden states after the last layer.
        seen: (T, n) bool, False for padding that the tower does not see.
    """

    rows: Tensor
    tokens: Tensor
    seen: Tensor

    def __getitem__(self, chosen: Tensor) -> "Said":
        """The queries of those numbers, (m,) int64."""
        return Said(self.rows[chosen], self.tokens[chosen], self.seen[chosen])


@dataclass(frozen=True)
class Sizes:
    """Widths that a guide is made for.

    Args:
        rows: d of the shared space.
        words: w of the text tower.
        tower: w of the image tower.
        length: tokens of a query.
    """

    rows: int
    words: int
    tower: int
    length: int


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


def check(guiding: Guiding) -> None:
    """Refuse what no guide can be.

    Raises:
        UsageError: a number is out of range, or two settings exclude each other.
    """
    for name, least in (("prompts", 1), ("deep", 1), ("entry", 0), ("width", 0)):
        if getattr(guiding, name) < least:
            raise UsageError(f"{name} of a guide must be at least {least}, not {getattr(guiding, name)}.")
    if not 0 <= guiding.dropout < 1:
        raise UsageError(f"dropout of a guide must be from 0 to less than 1, not {guiding.dropout:g}.")
    if guiding.form == "attention" and guiding.reads == "pooled":
        raise UsageError('form = "attention" looks at the words of a query: set reads = "tokens".')
    if guiding.reads == "tokens" and guiding.inner % HEADS:
        raise UsageError(f"width = {guiding.width} must be a multiple of {HEADS} where a guide reads tokens.")
