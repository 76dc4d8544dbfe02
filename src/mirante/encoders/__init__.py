"""Encoders: pictures and texts become rows of length 1 in one space.

`load` opens any of them by a local folder, a hub id, or the name of an embedded model. Each module here is one
family and provides `MODEL_TYPES` (the `model_type`s of `config.json` that it opens),
`open(address, folder, settings) -> Encoder` and `tiny(folder) -> address` (a small random checkpoint).
"""

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Literal, TypeAlias

from mirante import registry
from mirante.encoders import _locate
from mirante.errors import MissingLibrary, ModelError
from mirante.types import Encoder

Precision: TypeAlias = Literal["fp32", "fp16", "bf16"]

PACKAGE = "mirante.encoders"

__all__ = ["Precision", "Settings", "load"]


@dataclass(frozen=True)
class Settings:
    """How an encoder runs.

    Args:
        device: `"auto"` (CUDA, then Apple's MPS, then the processor) or a torch device such as `"cuda:1"`.
        precision: of the weights and of the network's arithmetic; rows always come out as float32.
        batch: pictures or texts encoded at once; None sizes it to the memory.
        revision: branch, tag or commit of a hub id; `owner/name@revision` says the same.
    """

    device: str = "auto"
    precision: Precision = "fp32"
    batch: int | None = None
    revision: str | None = None


def load(model: str, settings: Settings = Settings()) -> Encoder:
    """Open the encoder at `model`: a local folder, a hub id `owner/name[@revision]`, an embedded name, or `toy`.

    Raises:
        UnknownName: nothing of that name is at hand.
        UsageError: the hub does not have it, or cannot be reached.
        MissingLibrary: its family needs a library that is not installed.
        ModelError: the checkpoint is damaged, pickled, or of a family that no encoder here opens.
    """
    components = registry.names(PACKAGE)
    if model in components and not (_locate.is_checkpoint(model) or _locate.embedded(model)):
        component = registry.load(PACKAGE, model)
        if not component.MODEL_TYPES:
            encoder: Encoder = component.open(model, None, settings)
            return encoder
    without_weights = tuple(name for name in components if name == "toy")
    found = _locate.locate(model, settings.revision, without_weights)
    encoder = _family(found).open(found.address, found.folder, replace(settings, revision=found.commit))
    return encoder


def _family(found: _locate.Located) -> ModuleType:
    wanted = _locate.model_type(found)
    supported: list[str] = []
    missing: MissingLibrary | None = None
    for name in registry.names(PACKAGE):
        try:
            component = registry.load(PACKAGE, name)
        except MissingLibrary as error:
            missing = missing or error
            continue
        if wanted in component.MODEL_TYPES:
            return component
        supported.extend(component.MODEL_TYPES)
    if missing:
        raise missing
    raise ModelError(
        f"{found.address!r} is a model of type {wanted!r}, which no encoder opens: "
        f"use one of type {', '.join(sorted(supported))}."
    )
