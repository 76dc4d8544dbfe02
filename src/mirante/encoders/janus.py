"""Janus-Pro as an encoder: a summary in one word is asked for, and the state before the answer is the row.

Sources: Chen et al. 2025 (Janus-Pro, arXiv 2501.17811), Jiang et al. 2024 (E5-V, arXiv 2407.12580) for the prompts. It
is stored in transformers' format by deepseek-community; its image generator is not used.
"""

from pathlib import Path

from transformers import JanusImageProcessorPil, JanusModel

from mirante.encoders import Settings, _one_word, _speech, _tiny_chat
from mirante.encoders._chatting import ChatEncoder

MODEL_TYPES = ("janus",)
OPTIONS = _speech.OPTIONS
HEADS = ("JanusForConditionalGeneration",)


def open(address: str, folder: Path, settings: Settings) -> ChatEncoder:
    """Open the Janus in `folder`.

    Raises:
        ModelError: no safetensors weights, no chat template, or a damaged file.
        UnknownName: no such prompt or pooling.
    """
    return _one_word.read(address, folder, settings, network=JanusModel, pictures=lambda _: JanusImageProcessorPil)


def tiny(folder: Path) -> str:
    """Write a random Janus (32×32 pixels, 32 wide) into `folder` and return its address."""
    return _tiny_chat.janus(folder)
