"""Where a model's files are: a local folder, a folder shipped with the package, or a snapshot of the hub."""

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from mirante.errors import MissingLibrary, ModelError, UnknownName, UsageError

CONFIG = "config.json"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@\S+)?")
WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
UNWANTED = ["*/*", "open_clip*"]


@dataclass(frozen=True)
class Located:
    """A checkpoint on this machine.

    Args:
        address: what opens it again.
        folder: holds `config.json`.
        commit: of the hub's repository; None for any other folder, which its weights' hash identifies.
    """

    address: str
    folder: Path
    commit: str | None = None


def is_checkpoint(model: str) -> bool:
    """Whether `model` is a local folder with a `config.json`."""
    return (Path(model) / CONFIG).is_file()


def embedded_names() -> tuple[str, ...]:
    """Names of the models that ship with the package."""
    root = Path(str(files("mirante"))) / "embedded"
    return tuple(sorted(path.parent.name for path in root.glob(f"*/{CONFIG}")))


def embedded(name: str) -> Path | None:
    """The folder of the embedded model `name`, None where there is none."""
    return Path(str(files("mirante"))) / "embedded" / name if name in embedded_names() else None


def locate(model: str, revision: str | None = None, others: tuple[str, ...] = ()) -> Located:
    """Find `model`; `others` are further valid names, for the error's list.

    Raises:
        UnknownName: neither a folder with `config.json`, nor an embedded name, nor a hub id.
        UsageError: the hub does not have it, or cannot be reached.
    """
    if is_checkpoint(model):
        return Located(model, Path(model))
    if folder := embedded(model):
        return Located(model, folder)
    names = (*embedded_names(), *others)
    if Path(model).is_dir():
        raise UsageError(f"The folder {model!r} holds no {CONFIG}: give the folder of a checkpoint in that format.")
    if HUB_ID.fullmatch(model):
        return _from_hub(model, revision, names)
    error = UnknownName("model", model, names)
    error.args = (f"{error} It is neither a folder with a {CONFIG} nor a hub id owner/name.",)
    raise error


def model_type(found: Located) -> str:
    """The `model_type` of the checkpoint's configuration.

    Raises:
        ModelError: the configuration is not JSON or names no type.
    """
    try:
        kind = json.loads((found.folder / CONFIG).read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{CONFIG} of {found.address!r} cannot be read ({error}): fetch the model again.") from error
    if not isinstance(kind, str):
        raise ModelError(f"{CONFIG} of {found.address!r} has no model_type: use a checkpoint in transformers' format.")
    return kind


def _from_hub(model: str, revision: str | None, names: tuple[str, ...]) -> Located:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError
    except ModuleNotFoundError as error:
        raise MissingLibrary("huggingface_hub", "torch", f"The model {model!r}") from error
    owner_name, _, pinned = model.partition("@")
    wanted = pinned or revision
    try:
        folder = Path(snapshot_download(owner_name, revision=wanted, allow_patterns=WANTED, ignore_patterns=UNWANTED))
    except (OSError, ValueError, HFValidationError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"Cannot open the model {model!r}: no such folder here, and the hub did not give it "
            f"({type(error).__name__}: {reason}). Check the name and the network, give a local folder, "
            f"or use an embedded model: {', '.join(names) or 'none'}."
        ) from error
    if not (folder / CONFIG).is_file():
        raise ModelError(f"The hub's {model!r} has no {CONFIG}: use a checkpoint in transformers' format.")
    return Located(f"{owner_name}@{wanted}" if wanted else owner_name, folder, folder.name)
