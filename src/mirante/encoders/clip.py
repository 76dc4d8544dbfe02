"""CLIP: softmax-trained towers (OpenAI's, LAION's, and GmP checkpoints in transformers' format).

Source: Radford et al. 2021 (arXiv 2103.00020). Texts are read up to their end token under a causal mask, so padding
never matters; the tokenizer lower-cases; pictures are resized on their short side and cropped at the centre.
"""

from pathlib import Path

from transformers import CLIPImageProcessorPil, CLIPModel

from mirante.encoders import Settings, _tiny
from mirante.encoders._dual import DualEncoder, read

MODEL_TYPES = ("clip",)


def open(address: str, folder: Path, settings: Settings) -> DualEncoder:
    """Open the CLIP checkpoint in `folder`.

    Raises:
        ModelError: no safetensors weights, or they do not fit the configuration.
    """
    return read(
        address,
        folder,
        settings,
        model=CLIPModel,
        image_processor=CLIPImageProcessorPil,
        masked=True,
        lower=lambda tokenizer: False,
    )


def tiny(folder: Path) -> str:
    """Write a random CLIP (32×32 pixels, 24 wide) into `folder` and return its address."""
    return _tiny.clip(folder)
