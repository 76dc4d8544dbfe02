"""SigLIP and SigLIP 2: sigmoid-trained towers; texts always padded to the full length, never masked.

Sources: Zhai et al. 2023 (arXiv 2303.15343), Tschannen et al. 2025 (arXiv 2502.14786). The hub stores SigLIP 2 of
fixed resolution under the type `siglip` with Gemma's tokenizer, and NaFlex (variable aspect ratio) under `siglip2`.
"""

from pathlib import Path
from typing import Any

from mirante.encoders import Settings, _checkpoint
from mirante.encoders._dual import DualEncoder, Texts

MODEL_TYPES = ("siglip", "siglip2")


def open(address: str, folder: Path, settings: Settings) -> DualEncoder:
    """Open the SigLIP checkpoint in `folder`; its kind (fixed, NaFlex) and its casing come from its files.

    Raises:
        ModelError: it has no safetensors weights, or they do not fit its configuration.
    """
    from transformers import Siglip2ImageProcessorPil, Siglip2Model, SiglipImageProcessorPil, SiglipModel

    naflex = _checkpoint.config(folder)["model_type"] == "siglip2"
    model, processor = (Siglip2Model, Siglip2ImageProcessorPil) if naflex else (SiglipModel, SiglipImageProcessorPil)
    module = _checkpoint.module(model, address, folder, settings.precision)
    tokenizer = _checkpoint.tokenizer(address, folder)
    texts = Texts(
        length=module.config.text_config.max_position_embeddings,
        lower=naflex or _is_gemma(tokenizer),
        masked=False,
    )
    return DualEncoder(
        module,
        tokenizer,
        _checkpoint.image_processor(processor, address, folder),
        texts=texts,
        address=address,
        revision=settings.revision or _checkpoint.revision(folder),
        settings=settings,
    )


def _is_gemma(tokenizer: Any) -> bool:
    """SigLIP 2 was trained on lower-cased texts, but its tokenizer (Gemma's) keeps the case."""
    return type(tokenizer).__name__.startswith(("Gemma", "Siglip2"))


def tiny(folder: Path) -> str:
    """Write a random SigLIP of fixed resolution into `folder`."""
    from mirante.encoders import _tiny

    return _tiny.siglip(folder)
