"""Where a model's files are: a local folder, a folder shipped with the package, or a snapshot of the hub."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from mirante.encoders import _kinds
from mirante.errors import MissingLibrary, ModelError, UnknownName, UsageError

CONFIG = "config.json"
HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>\S+))?")
WANTED = ["*.json", "*.txt", "*.model", "*.jinja", "*.safetensors"]
UNWANTED = ["*/*", "open_clip*.safetensors"]
PIPELINE = "modules.json"
FORMATS = {PIPELINE: "sentence-transformers", "open_clip_config.json": "open_clip"}
"""Formats beside transformers' own: the file that tells each, and what stands in `MODEL_TYPES` for it."""
THEIRS = ["*.json", "*.txt", "*.model", "*.safetensors"]
NOT_THEIRS = ["onnx/*", "openvino/*", "*/onnx/*", "*/openvino/*"]
BARE = ("Transformer", "CLIPModel", "Pooling", "Normalize")
"""Modules of a pipeline that the family of its `config.json` has itself."""
CONVERTER = "SFconvertbot"


@dataclass(frozen=True)
class Located:
    """A checkpoint on this machine.

    Args:
        address: what opens it again.
        folder: holds `config.json`, or the file that tells another format.
        commit: of the hub's repository; None for any other folder, which the hash of its weights identifies.
    """

    address: str
    folder: Path
    commit: str | None = None


def is_checkpoint(model: str) -> bool:
    """Whether `model` is a local folder with a `config.json`, or with the file of another format."""
    return any((Path(model) / name).is_file() for name in (CONFIG, *FORMATS))


def embedded() -> Mapping[str, Path]:
    """The models that ship with the package: name → folder."""
    root = Path(str(files("mirante"))) / "embedded"
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*/{CONFIG}"))}


def locate(model: str, revision: str | None = None) -> Located:
    """Find `model`, in this order: a local folder, an embedded name, the hub.

    Raises:
        UnknownName: neither a folder with `config.json`, nor an embedded name, nor the form of a hub id.
        UsageError: a folder without `config.json`; the hub does not have it, or cannot be reached.
        ModelError: what the hub has is not in transformers' format.
        MissingLibrary: the hub's client is not installed.
    """
    if is_checkpoint(model):
        return Located(model, Path(model))
    if model in embedded():
        return Located(model, embedded()[model])
    if Path(model).is_dir():
        _kinds.refuse_folder(model, Path(model))
        raise UsageError(f"The folder {model!r} holds no {CONFIG}: give the folder of a checkpoint in that format.")
    if named := HUB_ID.fullmatch(model):
        return _from_hub(named["id"], named["revision"] or revision)
    error = UnknownName("model", model, (*embedded(), "toy"))
    error.args = (f"{error} Or give a folder that holds a {CONFIG}, or a hub id owner/name[@revision].",)
    raise error


def model_type(found: Located) -> str:
    """The `model_type` of the checkpoint's configuration, or what stands for it in another format.

    Raises:
        ModelError: the configuration is not JSON or names no type.
    """
    if other := other_format(found.folder):
        return other
    try:
        plain: Any = json.loads((found.folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{CONFIG} of {found.address!r} cannot be read ({error}): fetch the model again.") from error
    kind = plain.get("model_type") if isinstance(plain, dict) else None
    if not isinstance(kind, str):
        raise ModelError(f"{CONFIG} of {found.address!r} has no model_type: use a checkpoint in transformers' format.")
    return kind


def other_format(folder: Path) -> str | None:
    """What `FORMATS` says of a folder; None where the family of its `config.json` opens all that it holds.

    A pipeline counts as one where it adds layers to its transformer, or where the transformer lies in a folder below.
    """
    for name, kind in FORMATS.items():
        if (folder / name).is_file() and (not (folder / CONFIG).is_file() or (name == PIPELINE and _adds(folder))):
            return kind
    return None


def _adds(folder: Path) -> bool:
    try:
        kinds = [str(one["type"]) for one in json.loads((folder / PIPELINE).read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return any(kind.partition(".")[0] != "sentence_transformers" or kind.split(".")[-1] not in BARE for kind in kinds)


def _from_hub(name: str, revision: str | None) -> Located:
    try:
        import huggingface_hub as hub
    except ModuleNotFoundError as error:
        raise MissingLibrary("huggingface_hub", "torch", f"The model {name!r}") from error
    try:
        folder = _snapshot(hub, name, revision)
        if revision is None and not any(folder.rglob("*.safetensors")) and (converted := _conversion(hub, name)):
            revision, folder = converted, _snapshot(hub, name, converted)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UsageError(
            f"Cannot open the model {name!r}: there is no such folder here, and the hub did not give it "
            f"({type(error).__name__}: {reason}). Check the name, the revision {revision or 'main'!r} and the network, "
            f"or use a local folder or an embedded model: {', '.join((*embedded(), 'toy'))}."
        ) from error
    if not is_checkpoint(str(folder)):
        _kinds.refuse_folder(name, folder)
        raise ModelError(f"The hub's {name!r} has no {CONFIG}: use a checkpoint in transformers' format.")
    return Located(f"{name}@{revision}" if revision else name, folder, folder.name)


def _snapshot(hub: Any, name: str, revision: str | None) -> Path:
    folder = Path(hub.snapshot_download(name, revision=revision, allow_patterns=WANTED, ignore_patterns=UNWANTED))
    if other_format(folder):
        wanted = {"allow_patterns": THEIRS, "ignore_patterns": NOT_THEIRS}
        folder = Path(hub.snapshot_download(name, revision=folder.name, **wanted))
    return folder


def _conversion(hub: Any, name: str) -> str | None:
    """The revision in which the hub's own converter stored a pickled repository as safetensors."""
    for proposal in hub.get_repo_discussions(name, author=CONVERTER, discussion_type="pull_request"):
        if proposal.author == CONVERTER and "safetensors" in proposal.title:
            return str(proposal.git_reference)
    return None
