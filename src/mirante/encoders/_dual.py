"""A pair of towers from transformers: torch level for training, numpy level for everybody else."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from PIL.Image import Image

from mirante.encoders import Settings
from mirante.encoders._checkpoint import quiet, torch
from mirante.errors import ModelError, UsageError
from mirante.types import Provenance, Vectors

Pixels: TypeAlias = "torch.Tensor | dict[str, torch.Tensor]"
Input = TypeVar("Input")

IMAGE_SETTINGS = (
    "do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize",
    "image_mean", "image_std", "do_convert_rgb", "patch_size", "max_num_patches",
)  # fmt: skip


@dataclass(frozen=True)
class Texts:
    """What a family does to a text before its network.

    Args:
        length: tokens; longer texts are cut, shorter ones padded to it.
        lower: lower-case first, as the model was trained but its tokenizer does not do.
        masked: whether the network is told which tokens are padding.
    """

    length: int
    lower: bool
    masked: bool


class DualEncoder:
    """An image tower and a text tower in one space.

    `pixels`, `tokens`, `image_features` and `text_features` are the torch level (on `device`, with gradient when the
    module's mode and torch's allow); `encode_images` and `encode_texts` give unit rows of numpy.
    `provenance` describes the checkpoint as opened: after training, `save` and open again.

    Args:
        module: `CLIPModel`, `SiglipModel` or `Siglip2Model`.
        tokenizer: its tokenizer.
        image_processor: its Pillow image processor.
        texts: what happens to texts.
        address: opens it again.
        revision: commit or hash of the weights.
        settings: device, precision, batch.
    """

    def __init__(
        self,
        module: Any,
        tokenizer: Any,
        image_processor: Any,
        *,
        texts: Texts,
        address: str,
        revision: str,
        settings: Settings,
    ) -> None:
        self.device = _device(settings.device)
        self.module = module.to(self.device)
        self.tokenizer, self.image_processor, self.texts = tokenizer, image_processor, texts
        self._batch = settings.batch or (256 if self.device.type == "cuda" else 32)
        self._provenance = Provenance(address, revision, self._fingerprint(settings))

    @property
    def provenance(self) -> Provenance:
        """Of the checkpoint as it was opened."""
        return self._provenance

    @property
    def dim(self) -> int:
        """Width d of the shared space."""
        config = self.module.config
        return int(getattr(config, "projection_dim", None) or config.text_config.projection_size)

    def pixels(self, images: Sequence[Image]) -> Pixels:
        """RGB pictures → (B, 3, H, W) float32; for NaFlex the dict of patches, mask and grid shapes."""
        given = self.image_processor(images=list(images), return_tensors="pt").to(self.device)
        return given["pixel_values"] if set(given) == {"pixel_values"} else dict(given)

    def tokens(self, texts: Sequence[str]) -> dict[str, "torch.Tensor"]:
        """Texts → `input_ids` (B, length) and, where the family masks padding, `attention_mask`."""
        given = self.tokenizer(
            [text.lower() for text in texts] if self.texts.lower else list(texts),
            padding="max_length",
            truncation=True,
            max_length=self.texts.length,
            return_tensors="pt",
        ).to(self.device)
        return {key: given[key] for key in ("input_ids", *(["attention_mask"] if self.texts.masked else []))}

    def image_features(self, pixels: Pixels) -> "torch.Tensor":
        """What `pixels` gave → (B, d), not normalised."""
        given = dict(pixels) if isinstance(pixels, Mapping) else {"pixel_values": pixels}
        given["pixel_values"] = given["pixel_values"].to(self.module.dtype)
        features: torch.Tensor = self.module.get_image_features(**given).pooler_output
        return features

    def text_features(self, tokens: Mapping[str, "torch.Tensor"]) -> "torch.Tensor":
        """What `tokens` gave → (B, d), not normalised."""
        features: torch.Tensor = self.module.get_text_features(**tokens).pooler_output
        return features

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1."""
        return self._rows(images, lambda part: self.image_features(self.pixels(part)))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1."""
        return self._rows(texts, lambda part: self.text_features(self.tokens(part)))

    def save(self, folder: Path | str, *, half: bool = False) -> Path:
        """Write a whole checkpoint (safetensors, tokenizer, preprocessing); `half` stores fp16 weights.

        It is written beside `folder` and renamed, so `folder` holds the old checkpoint or the new one, nothing between.
        """
        target = Path(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            with quiet():
                state = self.module.state_dict()
                if half:
                    state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
                self.module.save_pretrained(part, state_dict=state)
                self.tokenizer.save_pretrained(part)
                self.image_processor.save_pretrained(part)
            part.chmod(0o755)
            _replace(part, target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return target

    def _rows(self, items: Sequence[Input], features: Callable[[Sequence[Input]], "torch.Tensor"]) -> Vectors:
        rows, at = [np.empty((0, self.dim), np.float32)], 0
        training = self.module.training
        self.module.eval()
        try:
            while at < len(items):
                part = items[at : at + self._batch]
                try:
                    with torch.inference_mode():
                        unit = torch.nn.functional.normalize(features(part).float(), dim=-1)
                        rows.append(unit.cpu().numpy())
                    at += len(part)
                except torch.OutOfMemoryError as error:
                    self._halve(error)
        finally:
            self.module.train(training)
        return np.concatenate(rows)

    def _halve(self, error: Exception) -> None:
        if self._batch == 1:
            raise ModelError(
                f"{self._provenance.model!r} does not fit the memory of {self.device} even one item at a time: "
                "use a smaller model, precision fp16, or device cpu."
            ) from error
        self._batch //= 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _fingerprint(self, settings: Settings) -> str:
        """16 hex digits that change with anything between a picture or text and the network."""
        pictures = self.image_processor.to_dict()
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        words = json.loads(backend.to_str()) if backend else self.tokenizer.get_vocab()
        content = {
            "image": {key: pictures.get(key) for key in IMAGE_SETTINGS},
            "text": asdict(self.texts),
            "tokenizer": {key: value for key, value in words.items() if key not in ("padding", "truncation")},
            "precision": settings.precision,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _device(name: str) -> "torch.device":
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"The device {name!r} cannot be used ({error}): use auto, cpu or cuda:N.") from error
    return device


def _replace(new: Path, target: Path) -> None:
    if not target.exists():
        new.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.rename(old / target.name)
    new.rename(target)
    shutil.rmtree(old)
