"""Reading a checkpoint in transformers' format: safetensors only, no remote code, no library chatter."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mirante.encoders import Precision
from mirante.errors import MissingLibrary, ModelError

try:
    import torch
    import transformers
except ModuleNotFoundError as missing:
    if missing.name not in ("torch", "transformers"):
        raise
    raise MissingLibrary(missing.name, "torch", "A CLIP or SigLIP encoder") from missing

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@contextmanager
def quiet() -> Iterator[None]:
    """Within this block transformers reports errors only and draws no bars."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def config(folder: Path) -> dict[str, Any]:
    """The plain `config.json`."""
    plain: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return plain


def weight_files(address: str, folder: Path) -> list[Path]:
    """The checkpoint's safetensors files, in order.

    Raises:
        ModelError: there are none.
    """
    found = sorted(folder.glob("*.safetensors"))
    if found:
        return found
    pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
    what = f"only pickled weights ({pickled[0]}), which are never opened" if pickled else "no weights"
    raise ModelError(
        f"{address!r} holds {what}: use a revision or copy with model.safetensors "
        "(transformers' save_pretrained writes one)."
    )


def revision(folder: Path) -> str:
    """First 16 hex digits of the SHA-256 of the weights and the configuration: the identity of a local model."""
    digest = hashlib.sha256()
    for path in (*sorted(folder.glob("*.safetensors")), folder / "config.json"):
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def module(kind: Any, address: str, folder: Path, precision: Precision) -> Any:
    """The network of class `kind` with the weights of `folder`, in evaluation mode on the processor.

    Raises:
        ModelError: the weights are missing, damaged, incomplete or of other shapes.
    """
    files = weight_files(address, folder)
    try:
        with quiet():
            if _is_geometric(files):
                given: dict[str, Any] = {
                    "config": kind.config_class.from_pretrained(folder),
                    "state_dict": _plain(files),
                }
                network, report = kind.from_pretrained(None, **given, dtype=DTYPES[precision], output_loading_info=True)
            else:
                network, report = kind.from_pretrained(
                    folder,
                    dtype=DTYPES[precision],
                    use_safetensors=True,
                    local_files_only=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"The weights of {address!r} cannot be read ({reason}): fetch the model again.") from error
    if report["missing_keys"]:
        raise ModelError(
            f"{address!r} lacks {len(report['missing_keys'])} weights, first {min(report['missing_keys'])!r}: "
            "fetch the model again, or use a whole checkpoint."
        )
    return network.eval()


def tokenizer(address: str, folder: Path) -> Any:
    """The checkpoint's own tokenizer.

    Raises:
        MissingLibrary: it needs sentencepiece.
        ModelError: it cannot be read.
    """
    try:
        with quiet():
            return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        raise MissingLibrary("sentencepiece", "torch", f"The tokenizer of {address!r}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"The tokenizer of {address!r} cannot be read ({reason}): fetch the model again.") from error


def image_processor(kind: Any, address: str, folder: Path) -> Any:
    """The image processor `kind` (one that resizes with Pillow: torchvision's pixels differ) with its settings.

    Raises:
        ModelError: its settings cannot be read.
    """
    try:
        with quiet():
            return kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"preprocessor_config.json of {address!r} cannot be read ({reason}): fetch the model again."
        ) from error


def _is_geometric(files: list[Path]) -> bool:
    from safetensors import safe_open

    for path in files:
        with safe_open(path, framework="pt") as weights:
            if any(key.endswith(".theta") for key in weights.keys()):  # noqa: SIM118 - not a mapping
                return True
    return False


def _plain(files: list[Path]) -> dict[str, torch.Tensor]:
    """Geometric parametrisation undone: `weight = r · theta / ‖theta‖`, row by row."""
    from safetensors.torch import load_file

    state: dict[str, torch.Tensor] = {}
    for path in files:
        state.update(load_file(path))
    for key in [key for key in state if key.endswith(".theta")]:
        stem = key.removesuffix("theta")
        theta, radius = state.pop(key).float(), state.pop(f"{stem}r").float()
        state[f"{stem}weight"] = radius.reshape(-1, 1) * theta / theta.norm(dim=1, keepdim=True)
    return state
