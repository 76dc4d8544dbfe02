"""OpenCLIP in its own layout: whatever towers its library builds, known by `open_clip_config.json`.

Source: Cherti et al. 2023 (arXiv 2212.07143); github.com/mlfoundations/open_clip. The library's own model,
tokenizer and picture transform are used, as the checkpoint's `model_cfg` and `preprocess_cfg` describe them; only
`.safetensors` is opened. Repositories that hold transformers' `config.json` as well, such as LAION's, are opened by
`clip` and need no further library.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image
from safetensors.torch import save_file

from mirante import digests
from mirante.encoders import Settings, _checkpoint, _machine, _tiny
from mirante.encoders._batched import Batched
from mirante.encoders._dual import PROBE
from mirante.errors import MissingLibrary, ModelError, UsageError
from mirante.types import Provenance, Vectors

MODEL_TYPES = ("open_clip",)
CONFIG = "open_clip_config.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors")
"""Names that the library looks for, in its own order."""


class OpenClipEncoder(Batched):
    """A model of open_clip with its tokenizer and its transform of pictures.

    Args:
        module: what `open_clip.create_model_and_transforms` makes.
        tokenizer: its tokenizer, texts → (n, length) token ids.
        transform: its transform, a picture → (3, H, W).
        plain: its configuration.
        folder: where it was read.
        origin: model address and the commit or hash of its files.
        settings: device, precision, batch.
    """

    learns = ()

    def __init__(
        self,
        module: Any,
        tokenizer: Any,
        transform: Any,
        *,
        plain: Mapping[str, Any],
        folder: Path,
        origin: tuple[str, str],
        settings: Settings,
    ) -> None:
        self.device = _machine.device(settings.device)
        self.module, self.tokenizer, self.transform = module.to(self.device), tokenizer, transform
        self.batch = settings.batch or _machine.ON_PROCESSOR
        self._kind, self._folder = _checkpoint.DTYPES[settings.precision], folder
        self._plain = plain
        self._provenance = Provenance(*origin, preprocessing=self._fingerprint(settings.precision))

    @property
    def dim(self) -> int:
        """Width d of the shared space."""
        return int(self._plain["model_cfg"]["embed_dim"])

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        return self.rows(images, self._seen)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        return self.rows(texts, lambda part: self.module.encode_text(self.tokenizer(list(part)).to(self.device)))

    def save(self, folder: Path | str) -> Path:
        """Write weights, tokenizer and configuration into `folder`, in open_clip's layout.

        Raises:
            StoreError: the disk is full or refuses; what was there is whole.
        """
        target = Path(folder)
        with _checkpoint.replaced(target) as new:
            for path in self._folder.iterdir():
                if path.suffix in (".json", ".txt", ".model"):
                    shutil.copyfile(path, new / path.name)
            save_file({key: value.contiguous() for key, value in self.module.state_dict().items()}, new / WEIGHTS[0])
        return target

    def _seen(self, part: Sequence[Image]) -> torch.Tensor:
        pixels = torch.stack([self.transform(image) for image in part]).to(self.device, self._kind)
        features: torch.Tensor = self.module.encode_image(pixels)
        return features

    def _fingerprint(self, precision: str) -> str:
        content = {
            "image": [str(self.transform), self._plain.get("preprocess_cfg")],
            "probe": self.tokenizer(list(PROBE)).tolist(),
            "precision": precision,
        }
        return digests.of(content)


def open(address: str, folder: Path, settings: Settings) -> OpenClipEncoder:
    """Open the checkpoint in `folder`.

    Raises:
        MissingLibrary: open_clip is not installed.
        UsageError: it is, beside a torchvision that was built for another torch.
        ModelError: pickled, missing or damaged weights.
    """
    plain = _read(address, folder)
    weights = _weights(address, folder)
    library = _library(f"The model {address!r}")
    try:
        with _checkpoint.quiet():
            module, _, transform = library.create_model_and_transforms(
                f"local-dir:{folder}", precision=settings.precision, device="cpu"
            )
            tokenizer = library.get_tokenizer(f"local-dir:{folder}")
    except Exception as error:
        if isinstance(error, _checkpoint.DAMAGE) or type(error).__module__.startswith("safetensors"):
            raise _checkpoint.unreadable("The checkpoint", address, error) from error
        raise
    if not plain["model_cfg"].get("embed_dim"):
        raise ModelError(f"{CONFIG} of {address!r} names no embed_dim: fetch the model again.")
    return OpenClipEncoder(
        module.eval(),
        tokenizer,
        transform,
        plain=plain,
        folder=folder,
        origin=(address, settings.revision or _checkpoint.hashed([weights, folder / CONFIG])),
        settings=settings,
    )


def _read(address: str, folder: Path) -> dict[str, Any]:
    try:
        plain = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        plain["model_cfg"]["text_cfg"], plain["model_cfg"]["vision_cfg"]
    except _checkpoint.DAMAGE as error:
        raise _checkpoint.unreadable(f"The {CONFIG}", address, error) from error
    return dict(plain)


def _weights(address: str, folder: Path) -> Path:
    """The weights that the library reads, which takes a pickle where there is nothing else."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(
        f"{address!r} has no {WEIGHTS[0]}; pickled weights are never opened: use a copy or revision in safetensors."
    )


def _library(purpose: str) -> Any:
    try:
        import open_clip
    except ModuleNotFoundError as error:
        raise MissingLibrary(error.name or "open_clip", "openclip", purpose) from error
    except (RuntimeError, AttributeError, ImportError, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UsageError(
            f"{purpose} needs open_clip, which cannot be imported ({reason}): torchvision must be built for the torch "
            "that is installed. Install both from one place, e.g. "
            "pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu"
        ) from error
    return open_clip


def tiny(folder: Path) -> str:
    """Write a random OpenCLIP (32×32 pixels, 24 wide) into `folder` and return its address.

    Raises:
        MissingLibrary: open_clip is not installed.
    """
    library = _library("A tiny OpenCLIP")
    tokenizer = _tiny.clip_tokenizer()
    text = {"context_length": _tiny.LENGTH, "vocab_size": len(tokenizer), "width": 32, "heads": 4, "layers": 2}
    vision = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 2}
    shape = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text | {"hf_tokenizer_name": "own"}}
    pictures = {"size": [32, 32], "mean": [0.48, 0.45, 0.4], "std": [0.26, 0.25, 0.27], "interpolation": "bicubic"}
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]), _checkpoint.quiet():
        torch.manual_seed(7)
        save_file(dict(library.CLIP(**shape).state_dict()), folder / WEIGHTS[0])
        tokenizer.save_pretrained(folder)
    written = {"model_cfg": shape, "preprocess_cfg": pictures | {"resize_mode": "shortest", "mode": "RGB"}}
    (folder / CONFIG).write_text(json.dumps(written, indent=2), encoding="utf-8")
    return str(folder)
