"""A checkpoint in transformers' format, read and written: safetensors only, no remote code, no library chatter."""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import transformers

from mirante.disk import disk, settle
from mirante.encoders import Precision, _geometric
from mirante.errors import MissingLibrary, ModelError

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
DAMAGE = (OSError, ValueError, RuntimeError, KeyError, TypeError)


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


def revision(folder: Path) -> str:
    """First 16 hex digits of the SHA-256 of weights and configuration: what identifies a local model."""
    return hashed([*sorted(folder.glob("*.safetensors")), folder / "config.json"])


def hashed(paths: Sequence[Path]) -> str:
    """First 16 hex digits of the SHA-256 of the files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def read_module(kind: Any, address: str, folder: Path, precision: Precision) -> Any:
    """The network of class `kind` with the weights of `folder`, in evaluation mode, on the processor.

    Raises:
        ModelError: the weights are pickled, missing, damaged, incomplete or of other shapes.
    """
    weights = _weight_files(address, folder)
    options = {"dtype": DTYPES[precision], "use_safetensors": True, "local_files_only": True}
    options |= {"trust_remote_code": False, "output_loading_info": True}
    try:
        with quiet():
            if _geometric.is_geometric(weights):
                config, state = kind.config_class.from_pretrained(folder), _geometric.plain_weights(weights)
                module, report = kind.from_pretrained(None, config=config, state_dict=state, **options)
            else:
                module, report = kind.from_pretrained(folder, **options)
    except Exception as error:
        if isinstance(error, DAMAGE) or type(error).__module__.startswith("safetensors"):
            raise unreadable("The weights", address, error) from error
        raise
    if report["missing_keys"]:
        raise ModelError(
            f"{address!r} lacks {len(report['missing_keys'])} weights, first {min(report['missing_keys'])!r}: "
            "fetch the model again, or use a whole checkpoint."
        )
    return module.eval()


def read_tokenizer(address: str, folder: Path) -> Any:
    """The checkpoint's own tokenizer.

    Raises:
        MissingLibrary: it needs sentencepiece and protobuf, as the first SigLIP's does.
        ModelError: it cannot be read.
    """
    try:
        with quiet():
            return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        library = "protobuf" if find_spec("sentencepiece") else "sentencepiece"
        raise MissingLibrary(library, "torch", f"The tokenizer of {address!r}") from error
    except DAMAGE as error:
        raise unreadable("The tokenizer", address, error) from error


def read_image_processor(kind: Any, address: str, folder: Path) -> Any:
    """An image processor of class `kind` (one that resizes with Pillow: torchvision's pixels differ).

    Raises:
        ModelError: `preprocessor_config.json` cannot be read.
    """
    try:
        with quiet():
            return kind.from_pretrained(folder, local_files_only=True)
    except DAMAGE as error:
        raise unreadable("The preprocessor_config.json", address, error) from error


def write(target: Path, module: Any, parts: tuple[Any, ...], *, half: bool) -> None:
    """Write `module` and `parts` (tokenizer, image processor) to `target`, as `replaced` does; `half` stores fp16.

    Raises:
        StoreError: the disk is full or refuses; what was at `target` is whole.
    """
    state = {
        key: value.half() if half and value.is_floating_point() else value for key, value in module.state_dict().items()
    }
    with replaced(target) as new, quiet():
        module.save_pretrained(new, state_dict=state)
        for part in parts:
            part.save_pretrained(new)


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """A new folder to write into, whose files become all that is in `target` when the block ends without an error.

    It lies beside `target`. Each file takes its place in one rename, the weights last: whenever it is killed, a
    checkpoint opens that has the old weights or the new ones.

    Raises:
        StoreError: the disk is full or refuses; what was at `target` is whole.
    """
    new = target.parent / f".{target.name}.part"
    with disk(target):
        try:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            yield new
            settle(new)
            _exchange(new, target)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _exchange(new: Path, target: Path) -> None:
    """Let the files of `new` be all that is in `target`."""
    if not target.exists():
        new.rename(target)
        return
    names = sorted((path.name for path in new.iterdir()), key=lambda name: name.endswith(".safetensors"))
    for name in names:
        (new / name).replace(target / name)
    for path in target.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in names:
            path.unlink()


def _weight_files(address: str, folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.safetensors"))
    if found:
        return found
    pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
    what = f"only pickled weights ({pickled[0]}), which are never opened" if pickled else "no model.safetensors"
    raise ModelError(
        f"{address!r} has {what}: use a copy or revision in safetensors (transformers' save_pretrained writes one)."
    )


def unreadable(what: str, address: str, error: Exception) -> ModelError:
    """What to say of a file that is damaged."""
    reason = " ".join(str(error).split())[:300]
    return ModelError(f"{what} of {address!r} cannot be read ({reason}): fetch or convert the model again.")
