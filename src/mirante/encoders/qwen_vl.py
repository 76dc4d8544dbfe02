"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL as encoders, those that chat and those that were trained to embed.

Sources: Wang et al. 2024 (Qwen2-VL, arXiv 2409.12191), Bai et al. 2025 (Qwen2.5-VL, arXiv 2502.13923), Li et al. 2026
(Qwen3-VL-Embedding, arXiv 2601.04720). A model whose name tells that it embeds, or that holds settings of
sentence-transformers, is told to represent its input; any other to sum up in one word (E5-V, arXiv 2407.12580). Either
is read at the last token; `MODEL#prompt=…`, `#pool=mean` and `#instruction=…` ask otherwise.
Pictures keep their proportions and become as many tokens as they have patches.
"""

import json
from pathlib import Path
from typing import Any

from transformers import AutoModel, Qwen2VLImageProcessorPil

from mirante.encoders import Settings, _checkpoint, _speech, _tiny_chat
from mirante.encoders._chatting import ChatEncoder, require_template
from mirante.encoders._readers import ByParts

MODEL_TYPES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe")
OPTIONS = _speech.OPTIONS
HEADS = tuple(f"{name}ForConditionalGeneration" for name in ("Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "Qwen3VLMoe"))
_SIGNS = ("modules.json", "config_sentence_transformers.json")


def open(address: str, folder: Path, settings: Settings) -> ChatEncoder:
    """Open the Qwen-VL in `folder`.

    Raises:
        ModelError: no safetensors weights, no chat template, or a damaged file.
        UnknownName: no such prompt or pooling.
    """
    embeds = "embed" in address.lower() or any((folder / name).is_file() for name in _SIGNS)
    speech = _speech.chosen(settings.options, "represent" if embeds else "one-word")
    tokenizer = _checkpoint.read_tokenizer(address, folder)
    tokenizer.chat_template = _template(address, folder) or tokenizer.chat_template
    require_template(tokenizer.chat_template, address)
    pictures = _checkpoint.read_image_processor(Qwen2VLImageProcessorPil, address, folder)
    module = _checkpoint.read_module(AutoModel, address, folder, settings.precision)
    origin = (address, settings.revision or _checkpoint.revision(folder))
    return ChatEncoder(module, ByParts(tokenizer, pictures), speech=speech, origin=origin, settings=settings)


def _template(address: str, folder: Path) -> Any:
    """The template that older checkpoints keep apart, None where there is none."""
    path = folder / "chat_template.json"
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))["chat_template"]
    except _checkpoint.DAMAGE as error:
        raise _checkpoint.unreadable(path.name, address, error) from error


def tiny(folder: Path) -> str:
    """Write a random Qwen2-VL (32 wide) into `folder` and return its address."""
    return _tiny_chat.qwen(folder, "qwen2_vl")


def tiny_half(folder: Path) -> str:
    """Write a random Qwen2.5-VL into `folder` and return its address."""
    return _tiny_chat.qwen(folder, "qwen2_5_vl")


def tiny_third(folder: Path) -> str:
    """Write a random Qwen3-VL into `folder` and return its address."""
    return _tiny_chat.qwen(folder, "qwen3_vl")
