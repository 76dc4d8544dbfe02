"""LLaVA and LLaVA-NeXT as encoders: a summary in one word is asked for, and the state before the answer is the row.

Sources: Liu et al. 2023 (LLaVA, arXiv 2304.08485), Jiang et al. 2024 (E5-V, arXiv 2407.12580), whose prompts are these:
for a picture "Summary above image in one word: ", for a text "…" and "Summary above sentence in one word: ".
`MODEL#pool=mean`, `#prompt=…` and `#instruction=…` ask otherwise (`mirante.encoders._speech`).
"""

from pathlib import Path
from typing import Any

from transformers import AutoModel, CLIPImageProcessorPil, LlavaImageProcessorPil, LlavaNextImageProcessorPil

from mirante.encoders import Settings, _one_word, _speech, _tiny
from mirante.encoders._chatting import ChatEncoder

MODEL_TYPES = ("llava", "llava_next")
OPTIONS = _speech.OPTIONS
HEADS = ("LlavaForConditionalGeneration", "LlavaNextForConditionalGeneration")


def open(address: str, folder: Path, settings: Settings) -> ChatEncoder:
    """Open the LLaVA in `folder`.

    Raises:
        ModelError: no safetensors weights, no chat template, or a damaged file.
        UnknownName: no such prompt or pooling.
    """
    return _one_word.read(address, folder, settings, network=AutoModel, pictures=_pictures)


def _pictures(named: str) -> Any:
    """The Pillow image processor for the one that a checkpoint names."""
    kinds = {"LlavaNext": LlavaNextImageProcessorPil, "Llava": LlavaImageProcessorPil}
    return kinds.get(named.partition("ImageProcessor")[0], CLIPImageProcessorPil)


def tiny(folder: Path) -> str:
    """Write a random LLaVA (32×32 pixels, 32 wide) into `folder` and return its address."""
    return _tiny.llava(folder)
