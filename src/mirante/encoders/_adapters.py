"""Low-rank adapters kept apart from their base: a folder in `peft`'s format that also says which base, to the bit.

It holds `adapter_config.json` and `adapter_model.safetensors` as peft writes them (with the model's own scale and
bias beside the adapters), `base.json`, and the base's configuration, tokenizer and preprocessing.
"""

import copy
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mirante import digests
from mirante.encoders import Precision, _checkpoint, _locate
from mirante.errors import MiranteError, MissingLibrary, ModelError, UsageError
from mirante.types import Provenance

_CONFIG, _WEIGHTS, _BASE = "adapter_config.json", "adapter_model.safetensors", "base.json"
_SETTINGS = ("r", "lora_alpha", "use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules")
_PREFIX = "base_model.model."


@dataclass(frozen=True)
class Base:
    """The model that adapters belong to.

    Args:
        model: address that opens it.
        revision: commit, or hash of its weights.
        preprocessing: its fingerprint.
    """

    model: str
    revision: str
    preprocessing: str


def base(provenance: Provenance) -> Base:
    """The base of adapters trained on that model, by an address that opens it from anywhere on this machine.

    Raises:
        UsageError: the model lies nowhere that a later program could open.
    """
    model = provenance.model
    if _locate.is_checkpoint(model):
        model = str(Path(model).resolve())
    elif model not in _locate.embedded():
        named = _locate.HUB_ID.fullmatch(model)
        if not named:
            raise UsageError(
                f"Adapters kept apart need a base that can be opened again, and {model!r} cannot: "
                "start from a checkpoint, or set merge = true."
            )
        model = named["id"]
    return Base(model, provenance.revision, provenance.preprocessing)


def write(target: Path, module: Any, parts: tuple[Any, ...], base: Base) -> Path:
    """Write the adapters of `module` and `parts` (tokenizer, image processor) to `target` in one rename."""
    import peft

    state = peft.get_peft_model_state_dict(module, save_embedding_layers=False)
    state |= dict(module.named_parameters(recurse=False))
    state = {f"{_PREFIX}{key}": value.detach().cpu().contiguous() for key, value in state.items()}
    settings = copy.deepcopy(module.peft_config["default"])
    settings.base_model_name_or_path, settings.revision = base.model, base.revision
    settings.target_modules, settings.inference_mode = sorted(settings.target_modules), True
    with _checkpoint.replaced(target) as new, _checkpoint.quiet():
        save_file(state, new / _WEIGHTS)
        (new / _BASE).write_text(json.dumps(asdict(base), indent=1), encoding="utf-8")
        for part in (settings, module.config, *parts):
            part.save_pretrained(new)
    return target


def read_module(kind: Any, address: str, folder: Path, precision: Precision) -> Any:
    """The network of class `kind` in `folder`, whole or as adapters, which are merged into their base in fp32.

    Raises:
        ModelError: a file is damaged, or the base cannot be opened or is another than the adapters were trained on.
        MissingLibrary: adapters need `peft`.
    """
    if not (folder / _CONFIG).is_file():
        return _checkpoint.read_module(kind, address, folder, precision)
    found = _find(_read_base(address, folder), address)
    module = read_module(kind, found.address, found.folder, "fp32")
    try:
        _apply(module, folder)
    except ModuleNotFoundError as error:
        raise MissingLibrary("peft", "train", f"The model {address!r}") from error
    except (*_checkpoint.DAMAGE, SafetensorError) as error:
        raise _checkpoint.unreadable("The adapters", address, error) from error
    return merge(module).to(_checkpoint.DTYPES[precision]).eval()


def revision(folder: Path) -> str:
    """What identifies the model in `folder`; that of adapters changes with their base's."""
    own = _checkpoint.revision(folder)
    if not (folder / _CONFIG).is_file():
        return own
    return digests.short(f"{own} {_read_base(str(folder), folder).revision}")


def merge(module: Any) -> Any:
    """Fold the adapters of `module` into its weights, in place; a plain module comes back."""
    from peft.tuners.lora import LoraLayer

    for name, layer in list(module.named_modules()):
        if isinstance(layer, LoraLayer):
            layer.merge()
            module.set_submodule(name, layer.get_base_layer())
    del module.peft_config
    return module


def _read_base(address: str, folder: Path) -> Base:
    try:
        return Base(**json.loads((folder / _BASE).read_text(encoding="utf-8")))
    except _checkpoint.DAMAGE as error:
        raise _checkpoint.unreadable(f"{_BASE}, which names the base", address, error) from error


def _find(base: Base, address: str) -> _locate.Located:
    try:
        found = _locate.locate(base.model, base.revision)
        there = found.commit or revision(found.folder)
    except MiranteError as error:
        raise ModelError(
            f"{address!r} holds adapters, whose base {base.model!r} cannot be opened ({error}): put it back, or give "
            f"its new place as `model` in {_BASE}."
        ) from error
    if there != base.revision:
        raise ModelError(
            f"The adapters in {address!r} were trained on revision {base.revision} of {base.model!r}, which is now "
            f"{there}: give the place of that revision as `model` in {_BASE}, or train them again."
        )
    return found


def _apply(module: Any, folder: Path) -> None:
    """Put the stored adapters beside the layers of `module`; only what shapes them is read from their settings."""
    import peft

    stored = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    if stored["peft_type"] != "LORA":
        raise ValueError(f"peft_type is {stored['peft_type']!r}, and only 'LORA' is opened")
    state = {key.removeprefix(_PREFIX): value for key, value in load_file(folder / _WEIGHTS).items()}
    with torch.random.fork_rng(devices=[]):
        peft.inject_adapter_in_model(peft.LoraConfig(**{key: stored[key] for key in _SETTINGS}), module)
    report = peft.set_peft_model_state_dict(module, state)
    lacking = [key for key in report.missing_keys if "lora_" in key]
    if lacking or report.unexpected_keys:
        raise ValueError(f"other layers than the base's, first {min((*lacking, *report.unexpected_keys))!r}")
