"""Vision-language models that chat: opened with their processor, and conversations written as they learnt them."""

from pathlib import Path
from typing import Any

import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as FAMILIES

from mirante.encoders import Settings, _checkpoint, _locate
from mirante.errors import ModelError


def open_chat(address: str, settings: Settings) -> tuple[Any, Any, str]:
    """The network, its processor and the address that opens both again: a local folder or a hub id.

    Raises:
        UnknownName: nothing of that name is at hand.
        ModelError: it is of a type that answers no questions, has no chat template, or is damaged or pickled.
    """
    found = _locate.locate(address, settings.revision)
    kind = _locate.model_type(found)
    if kind not in FAMILIES:
        raise ModelError(
            f"{address!r} is a model of type {kind!r}, which answers no questions on pictures: use one of type llava, "
            "qwen2_vl, smolvlm or another that takes pictures and text and writes text."
        )
    processor = processor_of(found.address, found.folder)
    if not processor.chat_template:
        raise ModelError(f"{address!r} has no chat template: use a model that was tuned to follow instructions.")
    module = _checkpoint.read_module(
        transformers.AutoModelForImageTextToText, found.address, found.folder, settings.precision
    )
    return module, processor, found.address


def written(processor: Any, words: str, pictures: int) -> tuple[str, bool]:
    """What somebody who shows some pictures and says `words` is to the model; whether it lacks the start token.

    Models that would think aloud are asked not to.
    """
    content = [*({"type": "image"} for _ in range(pictures)), {"type": "text", "text": words}]
    silent = {"enable_thinking": False} if "enable_thinking" in str(processor.chat_template) else {}
    said: str = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, **silent
    )
    start = processor.tokenizer.bos_token
    return said, not (start and said.startswith(start))


def processor_of(address: str, folder: Path) -> Any:
    """The checkpoint's own processor.

    Raises:
        ModelError: it cannot be read, or needs a library that is not installed.
    """
    try:
        with _checkpoint.quiet():
            return transformers.AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"The processor of {address!r} needs a library that is not installed ({reason}): install it, e.g. "
            "pip install torchvision."
        ) from error
    except _checkpoint.DAMAGE as error:
        raise _checkpoint.unreadable("The processor", address, error) from error
