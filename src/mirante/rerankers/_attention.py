"""Patches that look at the words of a query, through gates that start shut: the start is the base, exactly.

Source: gated cross-attention between the layers of a frozen network (Alayrac et al. 2022, Flamingo, arXiv 2204.14198).
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mirante.rerankers._guide import Said, Told
from mirante.rerankers._guiding import HEADS, Guiding, Sizes

if TYPE_CHECKING:
    from mirante.encoders._prompted import Hidden, Steer


class Attention(nn.Module):
    """Queries → words; before each guided layer every token of a picture looks at them, and is moved.

    Args:
        guiding: how deep.
        sizes: of the base.
    """

    def __init__(self, guiding: Guiding, sizes: Sizes) -> None:
        super().__init__()
        width, drop = guiding.inner, guiding.dropout
        self.place = nn.Parameter(torch.randn(sizes.length, width) * 0.02)
        self.enter = nn.Linear(sizes.words, width)
        self.words = nn.TransformerEncoderLayer(
            width, HEADS, 2 * width, drop, "gelu", batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(_Block(sizes.tower, width, drop) for _ in range(guiding.deep))

    def forward(self, said: Said) -> Told:
        """T queries → words (T, n, width), and which of them are padding (T, n) bool."""
        padding = ~said.seen
        words = self.enter(said.tokens) + self.place[: said.tokens.shape[1]]
        return self.norm(self.words(words, src_key_padding_mask=padding)), padding

    def steer(self, told: Told, first: int) -> "Steer":
        """Tokens are moved where they are."""
        del first
        words, padding = told

        def look(number: int, hidden: "Hidden") -> "Hidden":
            if number >= len(self.blocks):
                return hidden
            return type(hidden)(self.blocks[number](hidden.tokens, words, padding), hidden.seen)

        return look


class _Block(nn.Module):
    """Attention to the words and a small network, each behind its gate."""

    def __init__(self, tower: int, width: int, dropout: float) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(tower), nn.LayerNorm(tower)
        self.attention = nn.MultiheadAttention(tower, HEADS, dropout=dropout, kdim=width, vdim=width, batch_first=True)
        self.net = nn.Sequential(nn.Linear(tower, 2 * tower), nn.GELU(), nn.Linear(2 * tower, tower))
        self.gates = nn.Parameter(torch.zeros(2))

    def forward(self, tokens: Tensor, words: Tensor, padding: Tensor) -> Tensor:
        looks, thinks = self.gates.tanh()
        plain = tokens.float()
        found = self.attention(self.before(plain), words, words, key_padding_mask=padding, need_weights=False)[0]
        plain = plain + looks * found
        moved: Tensor = plain + thinks * self.net(self.between(plain))
        return moved.to(tokens.dtype)
