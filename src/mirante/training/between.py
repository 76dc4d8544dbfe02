"""The straight line between two models: which weights differ, and every model on it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mirante.errors import ModelError, ModelMismatch
from mirante.types import Encoder

if TYPE_CHECKING:
    from torch import Tensor

    from mirante.encoders._dual import DualEncoder

_SETTINGS = ("hidden_act", "layer_norm_eps", "num_attention_heads")
"""Of a tower; they change its rows, but not the shapes of its weights."""


class Between:
    """Every model on the straight line between two, one at a time.

    Args:
        start: its module becomes each of them in turn.
        end: is only read.

    Raises:
        ModelMismatch: the two are not built alike, or read pictures or texts differently.
        ModelError: one of them has no weights.
    """

    def __init__(self, start: Encoder, end: Encoder) -> None:
        self._encoder, other = _trainable(start), _trainable(end)
        _check(self._encoder, other)
        self._weights: Mapping[str, Tensor] = self._encoder.module.state_dict()
        ends = other.module.state_dict()
        self._ends = {
            name: (own.float().clone(), ends[name].to(own.device).float())
            for name, own in self._weights.items()
            if not bool((own == ends[name].to(own.device)).all())
        }

    @property
    def moved(self) -> frozenset[str]:
        """Names of the weights that differ between the two; all others are left alone."""
        return frozenset(self._ends)

    def at(self, alpha: float) -> "DualEncoder":
        """The encoder with weights (1 − α)·start + α·end, computed in fp32; the same object each time."""
        for name, (start, end) in self._ends.items():
            self._weights[name].copy_((1 - alpha) * start + alpha * end)
        return self._encoder


def _trainable(encoder: Encoder) -> "DualEncoder":
    if "train" not in getattr(encoder, "learns", ()):
        raise ModelError(
            f"The model {encoder.provenance.model!r} has no weights to blend: give CLIP or SigLIP checkpoints."
        )
    return encoder  # type: ignore[return-value]


def _check(start: "DualEncoder", end: "DualEncoder") -> None:
    """Refuse two models that no line joins, naming the first difference."""
    difference = next(_differences(start, end), None)
    if difference is None:
        return
    names = start.provenance.model, end.provenance.model
    error = ModelMismatch(*names)
    error.args = (
        f"{names[0]!r} and {names[1]!r} cannot be blended: {difference}. Give a model and its own fine-tune.",
    )
    raise error


def _differences(start: "DualEncoder", end: "DualEncoder") -> Iterator[str]:
    kinds = [type(one.module).__name__ for one in (start, end)]
    if kinds[0] != kinds[1]:
        yield f"one is a {kinds[0]}, the other a {kinds[1]}"
    shapes, others = ({name: tuple(v.shape) for name, v in one.module.state_dict().items()} for one in (start, end))
    for name in sorted(shapes.keys() | others.keys()):
        if shapes.get(name) != others.get(name):
            yield f"{name!r} has shape {shapes.get(name)} in one and {others.get(name)} in the other"
    for tower in ("vision_config", "text_config"):
        for setting in _SETTINGS:
            values = [getattr(getattr(one.module.config, tower), setting, None) for one in (start, end)]
            if values[0] != values[1]:
                yield f"{setting} of the {tower} is {values[0]!r} in one and {values[1]!r} in the other"
    if start.tokenizer.get_vocab() != end.tokenizer.get_vocab():
        yield "their tokenizers have other words"
    prints = [one.provenance.preprocessing for one in (start, end)]
    if prints[0] != prints[1]:
        yield f"they prepare pictures or texts differently (fingerprints {prints[0]} and {prints[1]})"
