"""Janus-Pro as an encoder: a summary in one word is asked for, and the state before the answer is the row.

Sources: Chen et al. 2025 (Janus-Pro, arXiv 2501.17811), Jiang et al. 2024 (E5-V, arXiv 2407.12580) for the prompts. It
is stored in transformers' format by deepseek-community; its image generator is not used.
"""

from pathlib import Path

from transformers import JanusImageProcessorPil, JanusModel

from mirante.encoders import Settings, _checkpoint, _speech, _tiny_chat
from mirante.encoders._chat import processor_of
from mirante.encoders._chatting import ChatEncoder, require_template
from mirante.encoders._readers import ByProcessor

MODEL_TYPES = ("janus",)
OPTIONS = _speech.OPTIONS
HEADS = ("JanusForConditionalGeneration",)


def open(address: str, folder: Path, settings: Settings) -> ChatEncoder:
    """Open the Janus in `folder`.

    Raises:
        ModelError: no safetensors weights, no chat template, or a damaged file.
        UnknownName: no such prompt or pooling.
    """
    speech = _speech.chosen(settings.options, "one-word")
    processor = processor_of(address, folder)
    require_template(processor.chat_template, address)
    processor.image_processor = _checkpoint.read_image_processor(JanusImageProcessorPil, address, folder)
    module = _checkpoint.read_module(JanusModel, address, folder, settings.precision)
    origin = (address, settings.revision or _checkpoint.revision(folder))
    return ChatEncoder(module, ByProcessor(processor), speech=speech, origin=origin, settings=settings)


def tiny(folder: Path) -> str:
    """Write a random Janus (32×32 pixels, 32 wide) into `folder` and return its address."""
    return _tiny_chat.janus(folder)
