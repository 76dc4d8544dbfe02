"""From a query to prompt tokens: what ELIP trains.

Source: Zhan et al. 2025 (ELIP, arXiv 2502.15682) for the pooled form; the form that reads every token of the query
pools them by learned queries (Lee et al. 2019, Set Transformer, arXiv 1810.00825).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mirante.errors import UsageError

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder

_PER_PROMPT = 1024
_HEADS = 4


@dataclass(frozen=True)
class Prompting:
    """What the query says to the image tower, and where.

    Args:
        prompts: m, tokens that enter.
        entry: layers that a picture passes before they do; 0 is the paper's form, and what is below needs no query.
        deep: layers that get m tokens of their own; the first one's stay unless replaced.
        reads: `"pooled"`, the query's row in the shared space (the paper), or `"tokens"`, every token of it, which
            still knows which word stands where.
        width: of the hidden layers; 0 for the paper's 1024 per prompt, or 256 where tokens are read.
        dropout: within the mapper, while it is trained.
    """

    prompts: int = 10
    entry: int = 0
    deep: int = 1
    reads: Literal["pooled", "tokens"] = "pooled"
    width: int = 0
    dropout: float = 0.0


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


def read(encoder: "DualEncoder", texts: list[str]) -> Said:
    """What the base makes of texts; called under `torch.no_grad` where nothing below is trained."""
    given = encoder.tokens(texts)
    hidden = encoder.module.text_model(**given).last_hidden_state
    seen = given.get("attention_mask", torch.ones_like(given["input_ids"])).bool()
    return Said(normalize(encoder.text_features(given).float(), dim=-1), hidden.float(), seen)


class Mapper(nn.Module):
    """Queries → prompt tokens.

    Args:
        prompting: how many, and from what.
        rows: width d of the shared space.
        tokens: width of the text tower.
        tower: width of the image tower.
        length: most tokens of a query.

    Raises:
        UsageError: a number is out of range.
    """

    def __init__(self, prompting: Prompting, *, rows: int, tokens: int, tower: int, length: int) -> None:
        super().__init__()
        _check(prompting)
        self.prompting, self._tower = prompting, tower
        count, drop = prompting.deep * prompting.prompts, prompting.dropout
        if prompting.reads == "pooled":
            width = prompting.width or _PER_PROMPT * prompting.prompts
            self.net = _layers(rows, width, count * tower, drop)
            return
        width = prompting.width or 256
        self.place = nn.Parameter(torch.randn(length, width) * 0.02)
        self.enter = nn.Linear(tokens, width)
        self.asks = nn.Parameter(torch.randn(count, width) * 0.5)
        self.attention = nn.MultiheadAttention(width, _HEADS, dropout=drop, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.net = _layers(width, 2 * width, tower, drop, depth=2)

    def forward(self, said: Said) -> Tensor:
        """T queries → (T, deep, m, tower)."""
        shape = (len(said.rows), self.prompting.deep, self.prompting.prompts, self._tower)
        if self.prompting.reads == "pooled":
            made: Tensor = self.net(said.rows)
            return made.view(shape)
        words = self.enter(said.tokens) + self.place[: said.tokens.shape[1]]
        asks = self.asks.expand(len(words), -1, -1)
        found = self.attention(asks, words, words, key_padding_mask=~said.seen, need_weights=False)[0]
        made = self.net(self.norm(asks + found))
        return made.view(shape)


def _layers(enter: int, width: int, leave: int, dropout: float, depth: int = 3) -> nn.Sequential:
    parts: list[nn.Module] = []
    for number in range(depth - 1):
        parts += [nn.Linear(width if number else enter, width), nn.GELU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts, nn.Linear(width, leave))


def _check(prompting: Prompting) -> None:
    for name, least in (("prompts", 1), ("deep", 1), ("entry", 0), ("width", 0)):
        if getattr(prompting, name) < least:
            raise UsageError(f"{name} of the prompts must be at least {least}, not {getattr(prompting, name)}.")
    if not 0 <= prompting.dropout < 1:
        raise UsageError(f"dropout of the prompts must be from 0 to less than 1, not {prompting.dropout}.")
    if prompting.reads == "tokens" and prompting.width % _HEADS:
        raise UsageError(f"width = {prompting.width} must be a multiple of {_HEADS} where the prompts read tokens.")
