"""Encoders: pictures and texts become rows of length 1 in one space.

`load` opens any of them by a local folder, a hub id, the name of an embedded model, or `toy`. Each module here is one
family and provides

- `MODEL_TYPES`: the `model_type`s of `config.json` that it opens (none: it is opened by its own name),
- `open(address, folder, settings) -> Encoder`,
- where they matter, `OPTIONS`, what may follow `#` in an address, and `HEADS`, the `architectures` that write but are
  opened all the same,
- `tiny(folder) -> address`: writes a small random checkpoint, for contract tests and for checking an installation.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Literal, TypeAlias

from mirante import registry, runtimes
from mirante.encoders import _address, _kinds, _locate
from mirante.errors import MissingLibrary, ModelError, UnknownName, UsageError
from mirante.types import Encoder

__all__ = ["Precision", "Settings", "load", "recall"]

Precision: TypeAlias = Literal["fp32", "fp16", "bf16", "int8"]

_OPTIONS = ("dim", "runtime", "precision", "decode")
"""What may follow `#` in the address of any model."""


@dataclass(frozen=True)
class Settings:
    """How an encoder runs.

    Args:
        device: `"auto"` (CUDA, then Apple's MPS, then the processor) or a torch device such as `"cuda:1"`.
        precision: of the weights and of the network's arithmetic; rows always come out as float32. `"int8"` wants
            another runtime than torch, and `mirante quantize` before.
        batch: pictures or texts encoded at once; None sizes it to the memory.
        revision: branch, tag or commit of a hub id; `owner/name@revision` says the same and wins.
        dim: values kept of each vector, the rest is cut off; None for all. `MODEL#dim=256` says the same and wins.
        runtime: `"torch"`, or an engine of `mirante.runtimes` for the processor; the network is exported once.
        decode: `"exact"`, or `"reduced"` to decode a JPEG file at the least scale that the encoder wants.
        options: what else the address said after `#`, for families that list it as `OPTIONS`.
    """

    device: str = "auto"
    precision: Precision = "fp32"
    batch: int | None = None
    revision: str | None = None
    dim: int | None = None
    runtime: str = "torch"
    decode: Literal["exact", "reduced"] = "exact"
    options: Mapping[str, str] = field(default_factory=dict)


def load(model: str | os.PathLike[str], settings: Settings = Settings()) -> Encoder:
    """Open the encoder at `model`: a local folder, a hub id `owner/name[@revision]`, an embedded name, or `toy`.

    Options may follow, as in `MODEL#dim=256`.

    Raises:
        UnknownName: nothing of that name is at hand, or no such option.
        UsageError: the hub does not have it or cannot be reached, or the device or width cannot be used.
        MissingLibrary: its family needs a library that is not installed.
        ModelError: the checkpoint is damaged, pickled, or of a kind that no encoder opens; its verb is named then.
    """
    model = os.fspath(model)
    plain, options = _address.split(model)
    said: dict[str, Any] = {name: options.pop(name) for name in _OPTIONS if name in options}
    if "dim" in said:
        said["dim"] = _width(model, said["dim"])
    asked = replace(settings, **said, options=options)
    if asked.decode not in ("exact", "reduced"):
        raise UnknownName("way to decode", asked.decode, ("exact", "reduced"))
    runtimes.check(asked.runtime, asked.precision)
    encoder = _whole(plain, asked if asked.runtime == "torch" else replace(asked, precision="fp32"))
    if asked.runtime != "torch":
        from mirante.encoders._exported import Exported, exportable

        encoder = Exported(exportable(encoder), asked.runtime, asked.precision)
    if asked.decode == "reduced":
        from mirante.encoders._reduced import Reduced

        encoder = Reduced(encoder)
    if asked.dim is not None:
        from mirante.encoders._truncated import Truncated

        encoder = Truncated(encoder, asked.dim)
    return encoder


def recall(model: str | os.PathLike[str], settings: Settings = Settings()) -> Encoder:
    """As `load`, but a checkpoint that was opened so before is opened again only when it is asked to encode.

    Raises:
        UnknownName, UsageError, MissingLibrary, ModelError: as `load`; of the network itself once it is opened.
    """
    from mirante.encoders._deferred import remembered

    model = os.fspath(model)
    plain, options = _address.split(model)
    in_torch = options.get("runtime", settings.runtime) == "torch"
    alone = options.keys() <= set(_OPTIONS)  # other options may name further files
    if not (in_torch and alone) or (plain in registry.names(__name__) and not _locate.is_checkpoint(plain)):
        return load(model, settings)
    found = _locate.locate(plain, settings.revision)
    return remembered(found.folder, model, settings, lambda: load(model, settings))


def _whole(model: str, settings: Settings) -> Encoder:
    component, address, folder = _without_checkpoint(model), model, None
    if component is None:
        found = _locate.locate(model, settings.revision)
        address, folder = found.address, found.folder
        _kinds.refuse_folder(address, folder)
        component = _of_type(_locate.model_type(found), address)
        _kinds.refuse_head(address, folder, getattr(component, "HEADS", ()))
        settings = replace(settings, revision=found.commit)
    known = getattr(component, "OPTIONS", ())
    if unknown := sorted(set(settings.options) - set(known)):
        raise UnknownName(f"option of the model {model!r}", unknown[0], (*_OPTIONS, *known))
    encoder: Encoder = component.open(address, folder, settings)
    return encoder


def _width(model: str, written: str) -> int:
    if written.isdecimal():
        return int(written)
    raise UsageError(f"{model!r} gives dim={written}, which is no number: write e.g. MODEL#dim=256.")


def _without_checkpoint(model: str) -> ModuleType | None:
    """The component that is opened by its own name `model`, unless a checkpoint goes by that name."""
    if model not in registry.names(__name__) or _locate.is_checkpoint(model) or model in _locate.embedded():
        return None
    component = _component(model)
    return None if component.MODEL_TYPES else component


def _of_type(wanted: str, address: str) -> ModuleType:
    supported: list[str] = []
    missing: MissingLibrary | None = None
    for name in sorted(registry.names(__name__), key=lambda name: name != wanted):  # its namesake first
        try:
            component = _component(name)
        except MissingLibrary as error:
            missing = missing or error
            continue
        if wanted in component.MODEL_TYPES:
            return component
        supported.extend(component.MODEL_TYPES)
    if missing:
        raise missing
    told = _kinds.remedy(wanted) or f"use a model of type {', '.join(sorted(supported))}"
    raise ModelError(f"{address!r} is a model of type {wanted!r}, which no encoder opens: {told}.")


def _component(name: str) -> ModuleType:
    try:
        return registry.load(__name__, name)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "mirante"):
            raise
        raise MissingLibrary(library, "torch", f"The encoder {name!r}") from error
