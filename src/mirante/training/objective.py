"""The weighted sum of the losses, each on the texts and views that it is meant for."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mirante import losses
from mirante.batch import Batch
from mirante.losses._positives import Positives
from mirante.training.config import LossTerm

MAX_SCALE = 100.0
"""Of the cosines, as CLIP holds it; a model that starts above (SigLIP's are near 115) is held where it starts."""


class Objective(nn.Module):
    """The losses of a run; their learned scale and bias start at the model's own and are left there at the end.

    Attributes:
        parts: the losses, one of each term.
        views: names out of `losses.VIEWS` that any of them asks for.

    Args:
        terms: what to sum.
        module: the model that is trained.
    """

    def __init__(self, terms: tuple[LossTerm, ...], module: nn.Module) -> None:
        super().__init__()
        self.terms = terms
        self.parts = nn.ModuleList(losses.create(term.name, term.options) for term in terms)
        asked = {view for part in self.parts for view in losses.needs(part)}
        self.views = tuple(view for view in losses.VIEWS if view in asked)
        with torch.no_grad():
            for part in self.parts:
                for name, value in _shared(part, module):
                    value.copy_(getattr(module, name).reshape(value.shape))
        self._highest = {name: max(value.item(), math.log(MAX_SCALE)) for name, value in self._scales()}

    def forward(self, views: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """Unit rows of `images` (B, d), `texts` (T, d) and of each of `self.views`, and their batch → scalar."""
        images, texts = views["images"], views["texts"]
        cells = torch.from_numpy(batch.true).to(images.device)
        positives = Positives(cells, (len(texts), len(images)))
        total = images.new_zeros(())
        for term, part in zip(self.terms, self.parts, strict=True):
            chosen = torch.from_numpy((batch.roles == term.texts) | (term.texts == "all")).to(images.device)
            if not chosen.any():
                continue
            extra = {name: views[name][chosen] if "texts" in name else views[name] for name in losses.needs(part)}
            total = total + term.weight * part(images, texts[chosen], positives.texts(chosen), **extra)
        return total

    @torch.no_grad()
    def clamp(self) -> None:
        """Hold every learned scale at `MAX_SCALE` or less, or at its start where that is more."""
        for name, value in self._scales():
            value.clamp_(max=self._highest[name])

    @torch.no_grad()
    def write_back(self, module: nn.Module) -> None:
        """Leave the learned scale and bias in the model, where its own library looks for them.

        Where several losses learn one, the first term's is kept.
        """
        for part in reversed(self.parts):
            for name, value in _shared(part, module):
                getattr(module, name).copy_(value.reshape(getattr(module, name).shape))

    def _scales(self) -> list[tuple[str, Tensor]]:
        return [(name, value) for name, value in self.named_parameters() if name.endswith("logit_scale")]


def _shared(part: nn.Module, module: nn.Module) -> list[tuple[str, Tensor]]:
    """Scale and bias that a loss has in common with the model: both or neither of the bias."""
    if hasattr(part, "logit_bias") != hasattr(module, "logit_bias"):
        return []
    return [(name, getattr(part, name)) for name in ("logit_scale", "logit_bias") if hasattr(part, name)]
