"""A pair of towers from transformers: torch level for training, numpy level for everybody else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from PIL.Image import Image

from mirante import digests
from mirante.encoders import Settings, _adapters, _checkpoint, _machine
from mirante.encoders._batched import Batched
from mirante.encoders._tensors import shortened
from mirante.types import Provenance, Vectors

Pixels: TypeAlias = torch.Tensor | dict[str, torch.Tensor]

IMAGE_SETTINGS = (
    "do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize",
    "image_mean", "image_std", "do_convert_rgb", "patch_size", "max_num_patches",
)  # fmt: skip
PROBE = ("A Red SQUARE, on blue!", "Três  peixes; um cão (à noite)?", "ß 漢字 🐟 don't " + "long " * 100, "")


@dataclass(frozen=True)
class Texts:
    """What a family does to a text before its network.

    Args:
        length: tokens; longer texts are cut, shorter ones padded on the right.
        lower: lower-case first, as the model was trained but its tokenizer does not do.
        masked: whether the network is told which tokens are padding.
    """

    length: int
    lower: bool
    masked: bool


class DualEncoder(Batched):
    """An image tower and a text tower in one space.

    `pixels`, `tokens`, `image_features` and `text_features` are the torch level, on `device`, differentiable;
    `encode_images` and `encode_texts` give unit rows of numpy. `provenance` describes the checkpoint as it was
    opened: after training, `save` it and open it again.

    Args:
        module: `CLIPModel`, `SiglipModel` or `Siglip2Model`.
        tokenizer: its tokenizer.
        image_processor: its Pillow image processor.
        texts: what happens to texts.
        origin: model address and the commit or hash of its weights.
        settings: device, precision, batch.
    """

    learns: ClassVar[tuple[str, ...]] = ("train", "guide")
    """What can learn on it: the towers themselves, a guide over the image tower."""

    differentiable: ClassVar[bool] = True

    def __init__(
        self,
        module: Any,
        tokenizer: Any,
        image_processor: Any,
        *,
        texts: Texts,
        origin: tuple[str, str],
        settings: Settings = Settings(),  # noqa: B008 - frozen
    ) -> None:
        self.device = _machine.device(settings.device)
        self.module = module.to(self.device)
        self.tokenizer, self.image_processor, self.texts = tokenizer, image_processor, texts
        self.batch = settings.batch or _machine.batch(self.module, self.device)
        self._provenance = Provenance(*origin, preprocessing=self._fingerprint(settings.precision))

    @property
    def dim(self) -> int:
        """Width d of the shared space."""
        config = self.module.config
        return int(getattr(config, "projection_dim", None) or config.text_config.projection_size)

    def pixels(self, images: Sequence[Image]) -> Pixels:
        """RGB pictures → (B, 3, H, W) float32; for NaFlex a dict of patches (B, n, 3·p²), mask and grid shapes."""
        return self._moved(self._processed(images))

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Texts → `input_ids` (B, length) and, where the family masks padding, `attention_mask` (B, length)."""
        given = self.tokenizer(
            [text.lower() for text in texts] if self.texts.lower else list(texts),
            padding="max_length",
            padding_side="right",
            truncation=True,
            max_length=self.texts.length,
            return_attention_mask=self.texts.masked,
            return_tensors="pt",
        ).to(self.device)
        return {key: given[key] for key in ("input_ids", "attention_mask") if key in given}

    def image_features(self, pixels: Pixels) -> torch.Tensor:
        """What `pixels` gave → (B, d), not normalised, with gradient."""
        given = {"pixel_values": pixels} if isinstance(pixels, torch.Tensor) else dict(pixels)
        given["pixel_values"] = given["pixel_values"].to(self.module.dtype)
        features: torch.Tensor = self.module.get_image_features(**given).pooler_output
        return features

    def text_features(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """What `tokens` gave → (B, d), not normalised, with gradient."""
        features: torch.Tensor = self.module.get_text_features(**tokens).pooler_output
        return features

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        return self.rows(images, lambda part: self.image_features(self.pixels(part)))

    def prepare(self, image: Image) -> Pixels:
        """An RGB picture → its `pixels`, B = 1, which wait on the processor for the others of their batch."""
        return self._processed([image])

    def encode_prepared(self, prepared: Sequence[Pixels]) -> Vectors:
        """The `pixels` of n pictures, one by one → (n, d) float32 rows of length 1.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        return self.rows(prepared, lambda part: self.image_features(self._moved(_together(part))))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))  # alike lengths share a batch's padding
        rows = self.rows([texts[at] for at in order], lambda part: self.text_features(shortened(self.tokens(part))))
        back = np.empty_like(rows)
        back[order] = rows
        return back

    def save(self, folder: Path | str, *, half: bool = False) -> Path:
        """Write a whole checkpoint (safetensors, tokenizer, preprocessing); `half` stores fp16 weights.

        It is written beside `folder` and renamed into place, so a killed run leaves no half-written checkpoint.
        """
        target = Path(folder)
        _checkpoint.write(target, self.module, (self.tokenizer, self.image_processor), half=half)
        return target

    def _processed(self, images: Sequence[Image]) -> Pixels:
        given = self.image_processor(images=list(images), return_tensors="pt")
        values: torch.Tensor = given["pixel_values"]
        return values if len(given) == 1 else dict(given)

    def _moved(self, pixels: Pixels) -> Pixels:
        """The same on the device: of a GPU by way of pinned memory, so that the copy does not wait for what runs."""
        if isinstance(pixels, dict):
            return {name: self._sent(values) for name, values in pixels.items()}
        return self._sent(pixels)

    def _sent(self, values: torch.Tensor) -> torch.Tensor:
        if self.device.type == "cuda":
            return values.pin_memory().to(self.device, non_blocking=True)
        return values.to(self.device)

    def _fingerprint(self, precision: str) -> str:
        """16 hex digits that change with anything between a picture or text and the network.

        The tokenizer is described by its vocabulary and by what it makes of `PROBE`, not by how it is stored.
        """
        pictures = self.image_processor.to_dict()
        content = {
            "image": {key: pictures.get(key) for key in IMAGE_SETTINGS},
            "text": asdict(self.texts),
            "vocabulary": self.tokenizer.get_vocab(),
            "probe": {key: ids.tolist() for key, ids in self.tokens(PROBE).items()},
            "precision": precision,
        }
        return digests.of(content)


def _together(pixels: Sequence[Pixels]) -> Pixels:
    """The `pixels` of several pictures as one batch."""
    parts = [one if isinstance(one, dict) else {"": one} for one in pixels]
    joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return joined.get("", joined)


def read(
    address: str,
    folder: Path,
    settings: Settings,
    *,
    model: Any,
    image_processor: Any,
    masked: bool,
    lower: Callable[[Any], bool],
) -> DualEncoder:
    """Open the checkpoint in `folder` with transformers' classes `model` and `image_processor`.

    Args:
        address: what opens it again.
        folder: the checkpoint.
        settings: its `revision` is the hub's commit, None for a folder known by its hash.
        model: class of the network.
        image_processor: class of the Pillow image processor.
        masked: whether the text tower is told which tokens are padding.
        lower: whether texts of this tokenizer must be lower-cased for it.

    Raises:
        ModelError: no safetensors weights, or they do not fit the configuration, or a damaged file.
        MissingLibrary: the tokenizer needs a library that is not installed.
    """
    module = _adapters.read_module(model, address, folder, settings.precision)
    tokenizer = _checkpoint.read_tokenizer(address, folder)
    return DualEncoder(
        module,
        tokenizer,
        _checkpoint.read_image_processor(image_processor, address, folder),
        texts=Texts(module.config.text_config.max_position_embeddings, lower(tokenizer), masked),
        origin=(address, settings.revision or _adapters.revision(folder)),
        settings=settings,
    )
