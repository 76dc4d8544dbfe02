"""BLIP (ITC): the class token of the picture and the first token of the text, each through a projection of its own.

Source: Li et al. 2022 (BLIP, arXiv 2201.12086). Texts are lower-cased by the tokenizer and padding is masked; pictures
are squeezed to a square. Its second score, for which picture and text are seen together (ITM), is the re-ranker `itm`.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import BlipForImageTextRetrieval, BlipImageProcessorPil

from mirante.encoders import Settings, _checkpoint, _tiny
from mirante.encoders._dual import DualEncoder, Pixels, Texts
from mirante.encoders._matcher import LENGTH, Blip
from mirante.encoders._tensors import shortened

MODEL_TYPES = ("blip",)


class BlipEncoder(DualEncoder):
    """BLIP for matching, its module a `BlipForImageTextRetrieval`."""

    family = Blip()
    learns = ()

    @property
    def dim(self) -> int:
        """Width d of the shared space."""
        return int(self.module.config.image_text_hidden_size)

    def tokens(self, texts: Any) -> dict[str, torch.Tensor]:
        """Texts → `input_ids` and `attention_mask` (B, n), n that of the longest."""
        return shortened(super().tokens(texts))

    def image_features(self, pixels: Pixels) -> torch.Tensor:
        """What `pixels` gave → (B, d) unit rows, with gradient."""
        values = pixels if isinstance(pixels, torch.Tensor) else pixels["pixel_values"]
        seen = self.module.vision_model(pixel_values=values.to(self.module.dtype)).last_hidden_state
        return self.family.looks(self.module, seen)

    def text_features(self, tokens: Any) -> torch.Tensor:
        """What `tokens` gave → (B, d) unit rows, with gradient."""
        return self.family.row(self.module, tokens)


def open(address: str, folder: Path, settings: Settings) -> BlipEncoder:
    """Open the BLIP for matching in `folder`.

    Raises:
        ModelError: no safetensors weights, or they do not fit the configuration.
    """
    module = _checkpoint.read_module(BlipForImageTextRetrieval, address, folder, settings.precision)
    return BlipEncoder(
        module,
        _checkpoint.read_tokenizer(address, folder),
        _checkpoint.read_image_processor(BlipImageProcessorPil, address, folder),
        texts=Texts(min(LENGTH, module.config.text_config.max_position_embeddings), lower=False, masked=True),
        origin=(address, settings.revision or _checkpoint.revision(folder)),
        settings=settings,
    )


def tiny(folder: Path) -> str:
    """Write a random BLIP (32×32 pixels, 16 wide) into `folder` and return its address."""
    return _tiny.blip(folder)
