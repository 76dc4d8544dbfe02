"""An image tower that can be told something on the way: before any of its upper layers the tokens may be changed.

Source: Zhan et al. 2025 (ELIP, arXiv 2502.15682); tokens at deeper layers: Jia et al. 2022 (VPT, arXiv 2203.12119).
The layers, norms and pooling are the library's own; where nothing is told the features equal the library's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import torch
from torch import Tensor, nn

from mirante.errors import UsageError

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder, Pixels


@dataclass(frozen=True)
class Hidden:
    """Pictures on their way through the tower.

    Args:
        tokens: (B, n, w), the class token first where there is one.
        seen: (B, n) bool, False for padding (NaFlex); None where every token is a patch.
    """

    tokens: Tensor
    seen: Tensor | None = None

    def __getitem__(self, rows: Tensor | slice) -> "Hidden":
        """The pictures of those rows."""
        return Hidden(self.tokens[rows], None if self.seen is None else self.seen[rows])

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """The pictures of several, in order."""
        seen = [one.seen for one in parts if one.seen is not None]
        return cls(torch.cat([one.tokens for one in parts]), torch.cat(seen) if seen else None)


Steer: TypeAlias = Callable[[int, Hidden], Hidden]
"""What is done before upper layer number 0, 1, … to the pictures on their way."""


class SteeredTower(ABC):
    """The layers of an image tower, cut before layer `entry`.

    Args:
        tower: the library's vision model.
        entry: layers that a picture passes before it is steered; 0 is the paper's form.

    Raises:
        UsageError: the tower has no such layer.
    """

    def __init__(self, tower: Any, entry: int = 0) -> None:
        self._tower, self.entry = tower, entry
        self._layers: list[nn.Module] = list(tower.encoder.layers)
        if not 0 <= entry < len(self._layers):
            raise UsageError(
                f"entry must be from 0 to {len(self._layers) - 1} for this image tower of {len(self._layers)} layers, "
                f"not {entry}: 0 is the first layer."
            )

    @property
    def width(self) -> int:
        """Width w of a token."""
        return int(self._tower.config.hidden_size)

    @property
    def above(self) -> int:
        """Layers that are steered."""
        return len(self._layers) - self.entry

    @property
    @abstractmethod
    def first(self) -> int:
        """Place of the first patch among the tokens: 1 behind a class token, else 0."""

    @abstractmethod
    def lower(self, pixels: "Pixels") -> Hidden:
        """What `DualEncoder.pixels` gave, up to layer `entry`; no query is known yet."""

    @abstractmethod
    def upper(self, hidden: Hidden, steer: Steer) -> Tensor:
        """What becomes of B pictures from `lower` that `steer` may change before each layer."""

    def _below(self, hidden: Hidden) -> Hidden:
        """Through the layers that see every picture alike."""
        for layer in self._layers[: self.entry]:
            hidden = self._through(layer, hidden)
        return hidden

    def _above(self, hidden: Hidden, steer: Steer) -> Hidden:
        """Through the layers that are steered."""
        for number, layer in enumerate(self._layers[self.entry :]):
            hidden = self._through(layer, steer(number, hidden))
        return hidden

    @abstractmethod
    def _through(self, layer: nn.Module, hidden: Hidden) -> Hidden:
        """Through one layer of the library."""


class PromptedTower(SteeredTower):
    """The image tower of a CLIP, SigLIP or SigLIP 2; see `SteeredTower`."""

    def __init__(self, encoder: "DualEncoder", entry: int = 0) -> None:
        super().__init__(encoder.module.vision_model, entry)
        self._model = encoder.module

    def lower(self, pixels: "Pixels") -> Hidden:
        """What `DualEncoder.pixels` gave, up to layer `entry`; no query is known yet."""
        if isinstance(pixels, Tensor):
            tokens = self._tower.embeddings(pixels.to(self._model.dtype))
            hidden = Hidden(self._tower.pre_layrnorm(tokens) if self._has_class_token else tokens)
        else:
            tokens = self._tower.embeddings(pixels["pixel_values"].to(self._model.dtype), pixels["spatial_shapes"])
            hidden = Hidden(tokens, pixels["pixel_attention_mask"].bool())
        return self._below(hidden)

    def upper(self, hidden: Hidden, steer: Steer) -> Tensor:
        """The features of pictures that are steered.

        Args:
            hidden: B pictures, from `lower`.
            steer: may change them before each layer.

        Returns:
            (B, d), not normalised.
        """
        hidden = self._above(hidden, steer)
        return self._pooled(hidden.tokens, hidden.seen)

    @property
    def first(self) -> int:
        """Place of the first patch among the tokens: 1 behind a class token, else 0."""
        return int(self._has_class_token)

    @property
    def _has_class_token(self) -> bool:
        return hasattr(self._tower, "pre_layrnorm")

    def _through(self, layer: nn.Module, hidden: Hidden) -> Hidden:
        tokens, seen = hidden.tokens, hidden.seen
        mask = None if seen is None else seen[:, None, None, :].expand(-1, 1, tokens.shape[1], -1)
        return Hidden(layer(tokens, attention_mask=mask), seen)

    def _pooled(self, tokens: Tensor, seen: Tensor | None) -> Tensor:
        features: Any
        if self._has_class_token:
            features = self._model.visual_projection(self._tower.post_layernorm(tokens[:, 0]))
        else:
            whole = self._tower.post_layernorm(tokens)
            features = self._tower.head(whole) if seen is None else self._tower.head(whole, seen)
        return features  # type: ignore[no-any-return]


def unsteered(number: int, hidden: Hidden) -> Hidden:
    """Nothing is told."""
    del number
    return hidden


def splice(prompts: Tensor, first: int) -> Steer:
    """Prompt tokens without position, behind the class token where there is one.

    Args:
        prompts: (B, deep, m, w): m tokens that enter, and for each further of `deep` layers m that replace them.
        first: `PromptedTower.first`.
    """
    deep, m = prompts.shape[1:3]

    def steer(number: int, hidden: Hidden) -> Hidden:
        if not m or number >= deep:
            return hidden
        tokens, seen = hidden.tokens, hidden.seen
        rest = tokens[:, first:] if number == 0 else tokens[:, first + m :]
        tokens = torch.cat([tokens[:, :first], prompts[:, number].to(tokens.dtype), rest], dim=1)
        if seen is not None and number == 0:
            seen = torch.cat([seen[:, :first], seen.new_ones(len(seen), m), seen[:, first:]], dim=1)
        return Hidden(tokens, seen)

    return steer
