"""BLIP-2's image tower, which can be told something on the way; what was told is taken out again before the Q-Former.

Source: Zhan et al. 2025 (ELIP-B, arXiv 2502.15682). The layers and the norm are the library's own; where nothing is
told the hidden states equal the library's.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mirante.encoders._prompted import Hidden, Steer, SteeredTower

if TYPE_CHECKING:
    from mirante.encoders._dual import Pixels
    from mirante.encoders._qformer import QFormerEncoder


class PromptedVision(SteeredTower):
    """The image tower of a BLIP-2; see `SteeredTower`."""

    def __init__(self, encoder: "QFormerEncoder", entry: int = 0) -> None:
        super().__init__(encoder.module.vision_model, entry)

    @property
    def first(self) -> int:
        """1: behind the class token."""
        return 1

    def lower(self, pixels: "Pixels") -> Hidden:
        """(B, 3, H, W) up to layer `entry`; no query is known yet."""
        return self._below(Hidden(self._tower.embeddings(pixels)))

    def upper(self, hidden: Hidden, steer: Steer) -> Tensor:
        """The hidden states of pictures that are steered.

        Args:
            hidden: B pictures, from `lower`.
            steer: may change them before each layer; tokens that it adds stand behind the class token.

        Returns:
            (B, n, w) after the last norm, of the class token and the patches alone.
        """
        count = hidden.tokens.shape[1]
        hidden = self._above(hidden, steer)
        added = hidden.tokens.shape[1] - count
        own = torch.cat([hidden.tokens[:, : self.first], hidden.tokens[:, self.first + added :]], dim=1)
        states: Tensor = self._tower.post_layernorm(own)
        return states

    def _through(self, layer: nn.Module, hidden: Hidden) -> Hidden:
        return Hidden(layer(hidden.tokens))
