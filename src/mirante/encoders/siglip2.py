"""SigLIP 2 NaFlex: pictures keep their proportions, as a sequence of at most `max_num_patches` patches.

Source: Tschannen et al. 2025 (arXiv 2502.14786). The number of patches is the checkpoint's own; texts are lower-cased,
padded to the full length and never masked. SigLIP 2 of fixed resolution is stored under the type `siglip`.
"""

from pathlib import Path

from transformers import Siglip2ImageProcessorPil, Siglip2Model

from mirante.encoders import Settings, _tiny
from mirante.encoders._dual import DualEncoder, read

MODEL_TYPES = ("siglip2",)


def open(address: str, folder: Path, settings: Settings) -> DualEncoder:
    """Open the NaFlex checkpoint in `folder`.

    Raises:
        ModelError: no safetensors weights, or they do not fit the configuration.
    """
    return read(
        address,
        folder,
        settings,
        model=Siglip2Model,
        image_processor=Siglip2ImageProcessorPil,
        masked=False,
        lower=lambda tokenizer: True,
    )


def tiny(folder: Path) -> str:
    """Write a random NaFlex (at most 16 patches of 8×8 pixels, 32 wide) into `folder` and return its address."""
    return _tiny.naflex(folder)
