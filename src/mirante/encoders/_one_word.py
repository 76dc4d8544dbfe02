"""Chat models whose own processor reads them, as encoders that are asked for a summary in one word: LLaVA, Janus."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mirante.encoders import Settings, _checkpoint, _speech
from mirante.encoders._chat import processor_of
from mirante.encoders._chatting import ChatEncoder, require_template
from mirante.encoders._readers import ByProcessor


def read(
    address: str, folder: Path, settings: Settings, *, network: Any, pictures: Callable[[str], Any]
) -> ChatEncoder:
    """Open the checkpoint in `folder`.

    Args:
        address: what opens it again.
        folder: of the checkpoint.
        settings: with the options that choose prompt and pooling.
        network: its class, without a head.
        pictures: name of the checkpoint's image processor → the class of the one that resizes with Pillow.

    Raises:
        ModelError: no safetensors weights, no chat template, or a damaged file.
        UnknownName: no such prompt or pooling.
    """
    speech = _speech.chosen(settings.options, "one-word")
    processor = processor_of(address, folder)
    require_template(processor.chat_template, address)
    kind = pictures(type(processor.image_processor).__name__)
    processor.image_processor = _checkpoint.read_image_processor(kind, address, folder)
    module = _checkpoint.read_module(network, address, folder, settings.precision)
    origin = (address, settings.revision or _checkpoint.revision(folder))
    return ChatEncoder(module, ByProcessor(processor), speech=speech, origin=origin, settings=settings)
