"""LLaVA and LLaVA-NeXT as encoders: a summary in one word is asked for, and the state before the answer is the row.

Sources: Liu et al. 2023 (LLaVA, arXiv 2304.08485), Jiang et al. 2024 (E5-V, arXiv 2407.12580), whose prompts are these:
for a picture "Summary above image in one word: ", for a text "…" and "Summary above sentence in one word: ".
`MODEL#pool=mean`, `#prompt=…` and `#instruction=…` ask otherwise (`mirante.encoders._speech`).
"""

from pathlib import Path

from transformers import AutoModel, CLIPImageProcessorPil, LlavaImageProcessorPil, LlavaNextImageProcessorPil

from mirante.encoders import Settings, _checkpoint, _speech, _tiny
from mirante.encoders._chat import processor_of
from mirante.encoders._chatting import ChatEncoder, require_template
from mirante.encoders._readers import ByProcessor

MODEL_TYPES = ("llava", "llava_next")
OPTIONS = _speech.OPTIONS
HEADS = ("LlavaForConditionalGeneration", "LlavaNextForConditionalGeneration")


def open(address: str, folder: Path, settings: Settings) -> ChatEncoder:
    """Open the LLaVA in `folder`.

    Raises:
        ModelError: no safetensors weights, no chat template, or a damaged file.
        UnknownName: no such prompt or pooling.
    """
    speech = _speech.chosen(settings.options, "one-word")
    processor = processor_of(address, folder)
    require_template(processor.chat_template, address)
    module = _checkpoint.read_module(AutoModel, address, folder, settings.precision)
    kinds = {"LlavaNext": LlavaNextImageProcessorPil, "Llava": LlavaImageProcessorPil}
    named = type(processor.image_processor).__name__.partition("ImageProcessor")[0]
    kind = kinds.get(named, CLIPImageProcessorPil)
    processor.image_processor = _checkpoint.read_image_processor(kind, address, folder)
    origin = (address, settings.revision or _checkpoint.revision(folder))
    return ChatEncoder(module, ByProcessor(processor), speech=speech, origin=origin, settings=settings)


def tiny(folder: Path) -> str:
    """Write a random LLaVA (32×32 pixels, 32 wide) into `folder` and return its address."""
    return _tiny.llava(folder)
