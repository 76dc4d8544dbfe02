"""BLIP-2's image tower, which can be told something on the way; what was told is taken out again before the Q-Former.

Source: Zhan et al. 2025 (ELIP-B, arXiv 2502.15682). The layers and the norm are the library's own; where nothing is
told the hidden states equal the library's.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mirante.encoders._prompted import Hidden, Steer, check_entry

if TYPE_CHECKING:
    from mirante.encoders._qformer import QFormerEncoder


class PromptedVision:
    """The image tower of a BLIP-2, cut before layer `entry`.

    Args:
        encoder: its module is used as it is.
        entry: layers that a picture passes before the prompts enter; 0 is the paper's form.

    Raises:
        UsageError: the tower has no such layer.
    """

    first = 1
    """Place of the first patch among the tokens: behind the class token."""

    def __init__(self, encoder: "QFormerEncoder", entry: int = 0) -> None:
        self._tower = encoder.module.vision_model
        self._layers: list[nn.Module] = list(self._tower.encoder.layers)
        self.entry = entry
        check_entry(entry, len(self._layers))

    @property
    def width(self) -> int:
        """Width w of a token."""
        return int(self._tower.config.hidden_size)

    @property
    def above(self) -> int:
        """Layers that see the prompts."""
        return len(self._layers) - self.entry

    def lower(self, pixels: Tensor) -> Hidden:
        """(B, 3, H, W) up to layer `entry`; no query is known yet."""
        tokens = self._tower.embeddings(pixels)
        for layer in self._layers[: self.entry]:
            tokens = layer(tokens)
        return Hidden(tokens)

    def upper(self, hidden: Hidden, steer: Steer) -> Tensor:
        """The hidden states of pictures that are steered.

        Args:
            hidden: B pictures, from `lower`.
            steer: may change them before each layer; tokens that it adds stand behind the class token.

        Returns:
            (B, n, w) after the last norm, of the class token and the patches alone.
        """
        count = hidden.tokens.shape[1]
        for number, layer in enumerate(self._layers[self.entry :]):
            hidden = Hidden(layer(steer(number, hidden).tokens))
        added = hidden.tokens.shape[1] - count
        own = torch.cat([hidden.tokens[:, : self.first], hidden.tokens[:, self.first + added :]], dim=1)
        states: Tensor = self._tower.post_layernorm(own)
        return states
