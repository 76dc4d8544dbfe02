"""What of the model is trained: towers, blocks, projections, adapters, geometric weights; and plain weights again."""

import copy
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from mirante.encoders import _adapters
from mirante.errors import UnknownName, UsageError
from mirante.training import adapters, geometric, towers
from mirante.training.config import Part, Trained
from mirante.training.towers import Tower

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder

_KINDS = ("all", "none", "projection")


def choose(encoder: "DualEncoder", trained: Trained) -> None:
    """Let exactly the parameters that `trained` names ask for a gradient, in place, before an optimiser is made.

    The model's own scale and bias are left to the objective. A projection is CLIP's `visual_projection` or
    `text_projection`, and SigLIP's pooling head or `text_model.head`.

    Args:
        encoder: its module is changed; torch's global generator decides the start of adapters.
        trained: what is trained, and how.

    Raises:
        UsageError: nothing would be trained, a tower has fewer blocks or no projection, or two settings exclude
            each other.
        UnknownName: no such part, or no layer of that name in what is trained.
        MissingLibrary: adapters need `peft`.
        ModelError: a row of zeros cannot be made geometric.
    """
    module = encoder.module
    sides = tuple(zip(towers.of(module), (trained.image, trained.text), strict=True))
    _check(trained)
    for tower, part in sides:
        _check_part(module, tower, part)

    def wanted(name: str) -> bool:
        return any(tower.holds(name, part) for tower, part in sides)

    for name, parameter in module.named_parameters():
        parameter.requires_grad_(wanted(name))
    if trained.lora:
        if not trained.lora.merge:
            _adapters.base(encoder.provenance)
        adapters.inject(module, trained.lora, wanted)
    elif trained.geometric:
        geometric.split(module, wanted)


def save(encoder: "DualEncoder", trained: Trained, folder: Path) -> Path:
    """Write the checkpoint that `trained` asks for: plain weights, or adapters kept apart; `encoders.load` opens both.

    The module in training is not changed.

    Args:
        encoder: as `choose` left it and training moved it.
        trained: the same as given to `choose`.
        folder: replaced in one rename.
    """
    parts = (encoder.tokenizer, encoder.image_processor)
    if trained.lora and not trained.lora.merge:
        return _adapters.write(folder, encoder.module, parts, _adapters.base(encoder.provenance))
    plain = copy.copy(encoder)
    if trained.lora:
        plain.module = _adapters.merge(copy.deepcopy(encoder.module))
    elif trained.geometric:
        plain.module = geometric.plain(encoder.module)
    return plain.save(folder)


def counts(module: nn.Module) -> tuple[int, int]:
    """Numbers in the parameters that are trained, and in all."""
    sizes = [(value.numel(), value.requires_grad) for value in module.parameters()]
    return sum(size for size, learns in sizes if learns), sum(size for size, _ in sizes)


def _check(trained: Trained) -> None:
    if trained.image == "none" and trained.text == "none":
        raise UsageError('image and text are both "none", so nothing is trained: unlock one of the two towers.')
    if trained.lora and trained.geometric:
        raise UsageError("lora freezes the matrices that geometric = true trains: choose one of the two.")
    if not 0 < trained.layer_decay <= 1:
        raise UsageError(f"layer_decay must be more than 0 and at most 1, not {trained.layer_decay:g}: 0.75 is usual.")


def _check_part(module: nn.Module, tower: Tower, part: Part) -> None:
    if isinstance(part, str):
        if part not in _KINDS:
            raise UnknownName(f"part of the {tower.side} tower", part, _KINDS)
        if part == "projection" and not any(tower.holds(name, part) for name, _ in module.named_parameters()):
            raise UsageError(
                f'{tower.side} = "projection", but this model has no {tower.projection!r}: train its last blocks.'
            )
    elif not 1 <= part <= tower.depth:
        raise UsageError(
            f"{tower.side} = {part}, but its tower has {tower.depth} blocks: give 1 to {tower.depth}, "
            '"all", "none" or "projection".'
        )
