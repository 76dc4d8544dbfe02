"""SigLIP and SigLIP 2 of fixed resolution: sigmoid-trained towers, which the hub stores under one type.

Sources: Zhai et al. 2023 (arXiv 2303.15343), Tschannen et al. 2025 (arXiv 2502.14786). Texts are padded to the full
length and the padding is never masked, as in training. SigLIP 2 is told by its tokenizer, Gemma's, which keeps case
although the model was trained on lower-cased texts.
"""

from pathlib import Path

from transformers import GemmaTokenizer, SiglipImageProcessorPil, SiglipModel

from mirante.encoders import Settings, _tiny
from mirante.encoders._dual import DualEncoder, read

MODEL_TYPES = ("siglip",)


def open(address: str, folder: Path, settings: Settings) -> DualEncoder:
    """Open the SigLIP or fixed-resolution SigLIP 2 checkpoint in `folder`.

    Raises:
        ModelError: no safetensors weights, or they do not fit the configuration.
        MissingLibrary: its tokenizer is stored for sentencepiece only.
    """
    return read(
        address,
        folder,
        settings,
        model=SiglipModel,
        image_processor=SiglipImageProcessorPil,
        masked=False,
        lower=lambda tokenizer: isinstance(tokenizer, GemmaTokenizer),
    )


def tiny(folder: Path) -> str:
    """Write a random SigLIP (32×32 pixels, 32 wide) into `folder` and return its address."""
    return _tiny.siglip(folder)


def tiny_gemma(folder: Path) -> str:
    """Write a random SigLIP 2 of fixed resolution, whose tokenizer keeps case, into `folder` and return its address."""
    return _tiny.siglip(folder, second=True)
