"""What each family of captioners reads before a caption, and how it is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from mirante.encoders._chat import written
from mirante.errors import ModelError

DESCRIBE = {"pt": "Descreva esta imagem em uma frase.", "en": "Describe this picture in one sentence."}
"""What a chat model is asked where no prompt is given."""


@dataclass(frozen=True)
class Form:
    """A family.

    Args:
        begin: ids that stand before every caption: a start token, a prompt, the places of the picture's tokens.
        end: id that ends a caption.
        pad: id that fills a batch up.
        texts: name of the argument that takes ids.
        vision: beginning of the names of the weights that see.
        ends_itself: its `generate` takes away the last id that it is given, and names the end itself (BLIP).
    """

    begin: tuple[int, ...]
    end: int
    pad: int
    texts: str = "input_ids"
    vision: tuple[str, ...] = ("vision_model.",)
    ends_itself: bool = False

    def mask(self) -> str:
        """Name of the argument that says which ids are padding."""
        return self.texts.replace("input_ids", "attention_mask")


def form_of(module: Any, tokenizer: Any, processor: Any, prompt: str) -> Form:
    """How the family of `module` is read.

    Args:
        module: a captioner of transformers.
        tokenizer: its tokenizer.
        processor: of a chat model, which writes conversations out; None for the others.
        prompt: words that captions go on from; of a chat model what it is asked.

    Raises:
        ModelError: the family is not known, or its tokenizer lacks an end token.
    """
    kind = module.config.model_type
    words = tuple(tokenizer(prompt, add_special_tokens=False)["input_ids"]) if prompt else ()
    if kind == "blip":
        text = module.config.text_config
        begin = (text.bos_token_id, *words)
        return Form(begin, text.sep_token_id, text.pad_token_id, ends_itself=True)
    if kind == "git":
        begin = (tokenizer.cls_token_id, *words)
        return Form(begin, tokenizer.sep_token_id, tokenizer.pad_token_id, vision=("git.image_encoder.",))
    if kind == "vision-encoder-decoder":
        start = module.config.decoder_start_token_id
        if start is None:
            start = module.generation_config.decoder_start_token_id
        own = _named({"decoder_start_token_id": start, "eos_token_id": tokenizer.eos_token_id}, kind)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else own[1]
        return Form((own[0], *words), own[1], pad, texts="decoder_input_ids", vision=("encoder.",))
    if processor is not None:
        end = _named({"eos_token_id": tokenizer.eos_token_id}, kind)[0]
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else end
        towers = ("model.vision_tower.", "vision_tower.", "model.vision_model.", "model.visual.", "visual.")
        return Form(_asked(processor, prompt or DESCRIBE["pt"]), end, pad, vision=towers)
    raise ModelError(
        f"Captioners of type {kind!r} are not known: use one of type blip, git or vision-encoder-decoder, or a chat "
        "model of one resolution, such as llava."
    )


def _asked(processor: Any, prompt: str) -> tuple[int, ...]:
    """A conversation about one picture, up to where the model answers."""
    said, start = written(processor, prompt, 1)
    size = processor.image_processor.size
    side = (int(size.get("width") or size["shortest_edge"]), int(size.get("height") or size["shortest_edge"]))
    given = processor(text=[said], images=[[Image.new("RGB", side)]], add_special_tokens=start)
    return tuple(given["input_ids"][0])


def _named(values: dict[str, int | None], kind: str) -> list[int]:
    missing = next((name for name, value in values.items() if value is None), None)
    if missing:
        raise ModelError(f"The captioner of type {kind!r} says no {missing}: add it to its configuration.")
    return [value for value in values.values() if value is not None]


def padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Rows of ids as (n, L) int64, filled up on the right, and which are ids and no padding, (n, L) bool."""
    length = max((len(row) for row in rows), default=0)
    ids = torch.full((len(rows), length), pad, dtype=torch.int64)
    real = torch.zeros((len(rows), length), dtype=torch.bool)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row, dtype=torch.int64)
        real[at, : len(row)] = True
    return ids, real
