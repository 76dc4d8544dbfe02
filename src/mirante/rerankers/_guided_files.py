"""A guide on the disk: a folder with its weights, and what they belong to."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mirante import config
from mirante.encoders._checkpoint import replaced
from mirante.encoders._qformer import QFormerEncoder
from mirante.errors import ModelError, UsageError
from mirante.rerankers._guided import Guided
from mirante.rerankers._guided_matcher import AnyGuided, GuidedMatcher
from mirante.rerankers._guiding import Guiding

if TYPE_CHECKING:
    from torch import Tensor

    from mirante.encoders._dual import DualEncoder

NOTES, WEIGHTS = "elip.json", "guide.safetensors"
_REMEDY = {"dual": "give --model {}", "matching": "put the weights that it was trained on back at {!r}"}


@dataclass(frozen=True)
class Notes:
    """What a guide belongs to.

    Args:
        base: address of the model that it was trained on.
        revision: commit or hash of that model's weights.
        guiding: its shape.
        weight: of the guided score beside the base's own; None for the guided one alone.
        kind: of base: `"dual"` towers, or one that is `"matching"` pictures with texts (BLIP-2).
    """

    base: str
    revision: str
    guiding: Guiding
    weight: float | None = None
    kind: Literal["dual", "matching"] = "dual"


def write(folder: Path, guided: AnyGuided, weight: float | None) -> Path:
    """Write the guide; what is in `folder` stays whole until the new one is.

    Raises:
        StoreError: the disk is full or refuses.
    """
    made = guided.encoder.provenance
    notes = Notes(made.model, made.revision, guided.guiding, weight, guided.kind)
    with replaced(folder) as new:
        (new / NOTES).write_text(json.dumps({"schema": 1, **asdict(notes)}, indent=1), encoding="utf-8")
        tensors = {name: value.detach().cpu().contiguous() for name, value in guided.guide.state_dict().items()}
        save_file(tensors, new / WEIGHTS)
    return folder


def begin(base: "DualEncoder", guiding: Guiding, start: str | None = None) -> AnyGuided:
    """A base and a guide to train: the one in the folder `start`, or a new one.

    Raises:
        UsageError: the base cannot be guided so, or the guide in `start` has another shape or base.
        ModelError: what is in `start` is damaged.
    """
    if start is None:
        return _over(base, guiding)
    notes = describe(Path(start))
    if notes.guiding != guiding:
        unlike = [name for name, value in asdict(guiding).items() if value != asdict(notes.guiding)[name]]
        told = ", ".join(f"{name} = {json.dumps(asdict(notes.guiding)[name])}" for name in unlike)
        raise UsageError(f"The guide in {start!r} has another shape than [elip.guide]: give {told}, as it has.")
    return read(Path(start), base)[0]


def read(folder: Path, base: "DualEncoder") -> tuple[AnyGuided, float | None]:
    """The guide in `folder`, over its base, and its weight.

    Raises:
        UsageError: there is none, or it was trained on another base.
        ModelError: it is damaged.
    """
    notes = describe(folder)
    if notes.revision != base.provenance.revision:
        raise UsageError(
            f"{str(folder)!r} was trained on {notes.base!r} at {notes.revision}, not on {base.provenance.model!r} at "
            f"{base.provenance.revision}: {_REMEDY[notes.kind].format(notes.base)}."
        )
    guided = _over(base, notes.guiding)
    guided.guide.load_state_dict(_weights(folder, guided.guide.state_dict()))
    guided.guide.eval().requires_grad_(requires_grad=False)
    return guided, notes.weight


def describe(folder: Path) -> Notes:
    """What is known of the guide in `folder`.

    Raises:
        UsageError: there is none.
        ModelError: its notes are damaged.
    """
    try:
        plain: dict[str, Any] = json.loads((folder / NOTES).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{str(folder)!r} holds no guide ({NOTES} is missing): give the folder that `mirante train` wrote, "
            "e.g. elip:runs/elip/checkpoint."
        ) from error
    except ValueError as error:
        raise _damaged(folder, NOTES, str(error)) from error
    plain.pop("schema", None)
    try:
        return config.build(Notes, {key: value for key, value in plain.items() if value is not None}, NOTES)
    except UsageError as error:
        raise _damaged(folder, NOTES, str(error)) from error


def _over(base: "DualEncoder", guiding: Guiding) -> AnyGuided:
    return GuidedMatcher(base, guiding) if isinstance(base, QFormerEncoder) else Guided(base, guiding)


def _weights(folder: Path, wanted: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    try:
        found: dict[str, Tensor] = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise _damaged(folder, WEIGHTS, str(error)) from error
    if {name: value.shape for name, value in found.items()} != {name: value.shape for name, value in wanted.items()}:
        raise _damaged(folder, WEIGHTS, f"its tensors are not those that {NOTES} tells of")
    return found


def _damaged(folder: Path, name: str, why: str) -> ModelError:
    return ModelError(f"{name} in {str(folder)!r} is damaged: {why}. Train it again, or fetch it again.")
