"""From a query to prompt tokens: the mapper that ELIP trains.

Source: Zhan et al. 2025 (ELIP, arXiv 2502.15682) for the pooled form; the form that reads every token of the query
pools them by learned queries (Lee et al. 2019, Set Transformer, arXiv 1810.00825).
"""

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mirante.rerankers._guide import Said, Told
from mirante.rerankers._guiding import HEADS, Guiding, Sizes

if TYPE_CHECKING:
    from mirante.encoders._prompted import Steer


class Prompts(nn.Module):
    """Queries → prompt tokens.

    Args:
        guiding: how many, and from what.
        sizes: of the base.
    """

    def __init__(self, guiding: Guiding, sizes: Sizes) -> None:
        super().__init__()
        self._shape = (guiding.deep, guiding.prompts, sizes.tower)
        count, width, drop = guiding.deep * guiding.prompts, guiding.inner, guiding.dropout
        if guiding.reads == "pooled":
            self.net = _layers((sizes.rows, width, width, count * sizes.tower), drop)
            self.asks = None
            return
        self.place = nn.Parameter(torch.randn(sizes.length, width) * 0.02)
        self.enter = nn.Linear(sizes.words, width)
        self.asks = nn.Parameter(torch.randn(count, width) * 0.5)
        self.attention = nn.MultiheadAttention(width, HEADS, dropout=drop, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.net = _layers((width, 2 * width, sizes.tower), drop)

    def forward(self, said: Said) -> Told:
        """T queries → (T, deep, m, tower)."""
        shape = (len(said.rows), *self._shape)
        if self.asks is None:
            return (self.net(said.rows).view(shape),)
        words = self.enter(said.tokens) + self.place[: said.tokens.shape[1]]
        asks = self.asks.expand(len(words), -1, -1)
        found: Tensor = self.attention(asks, words, words, key_padding_mask=~said.seen, need_weights=False)[0]
        return (self.net(self.norm(asks + found)).view(shape),)

    def steer(self, told: Told, first: int) -> "Steer":
        """The tokens enter, and take each other's places in further layers."""
        from mirante.encoders._prompted import splice

        return splice(told[0], first)


def _layers(widths: tuple[int, ...], dropout: float) -> nn.Sequential:
    parts: list[nn.Module] = []
    for enter, leave in pairwise(widths[:-1]):
        parts += [nn.Linear(enter, leave), nn.GELU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts, nn.Linear(widths[-2], widths[-1]))
