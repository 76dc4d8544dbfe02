"""From conversations and pictures to what a chat model takes: its own processor, or its parts where that needs more.

Texts are padded on the right and the padding is masked, so that the last token is the last one that is not masked.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from PIL.Image import Image

from mirante.encoders._dual import IMAGE_SETTINGS

PIECES = ("min_pixels", "max_pixels", "merge_size", "temporal_patch_size", "image_grid_pinpoints", "do_pad")
"""Settings of pictures that are cut into a number of pieces of their own."""


class Reader(Protocol):
    """Prepares inputs of one family."""

    tokenizer: Any
    image_processor: Any
    template: str

    def read(self, said: Sequence[str], pictures: Sequence[Image]) -> dict[str, torch.Tensor]:
        """B conversations as written out and none or one picture each → the network's inputs, tokens (B, n)."""

    def parts(self) -> tuple[Any, ...]:
        """What is saved beside the network."""


class ByProcessor:
    """A family whose processor needs no library beyond transformers: LLaVA, Janus.

    Args:
        processor: the checkpoint's own, with a Pillow image processor.
    """

    def __init__(self, processor: Any) -> None:
        self.processor, self.tokenizer = processor, processor.tokenizer
        self.image_processor, self.template = processor.image_processor, str(processor.chat_template)

    def read(self, said: Sequence[str], pictures: Sequence[Image]) -> dict[str, torch.Tensor]:
        """B conversations and their pictures → inputs; the start token is added where the template wrote none."""
        start = self.tokenizer.bos_token
        given = self.processor(
            text=list(said),
            images=list(pictures) or None,
            padding=True,
            padding_side="right",
            add_special_tokens=not (start and said[0].startswith(start)),
            return_tensors="pt",
        )
        return dict(given)

    def parts(self) -> tuple[Any, ...]:
        """The processor."""
        return (self.processor,)


class ByParts:
    """Qwen-VL: a picture becomes as many tokens as it has patches; without its processor, which needs torchvision.

    Args:
        tokenizer: with the chat template.
        image_processor: a Pillow image processor that gives patches and their grid (B, 3).
        mark: the token that stands for a patch.
    """

    def __init__(self, tokenizer: Any, image_processor: Any, mark: str = "<|image_pad|>") -> None:
        self.tokenizer, self.image_processor, self.mark = tokenizer, image_processor, mark
        self.template = str(tokenizer.chat_template)

    def read(self, said: Sequence[str], pictures: Sequence[Image]) -> dict[str, torch.Tensor]:
        """B conversations and their pictures → inputs; the tokenizer's own last token is added where it has one."""
        seen = dict(self.image_processor(images=list(pictures), return_tensors="pt")) if pictures else {}
        if pictures:
            patches = (seen["image_grid_thw"].prod(dim=1) // self.image_processor.merge_size**2).tolist()
            said = [one.replace(self.mark, self.mark * count, 1) for one, count in zip(said, patches, strict=True)]
        tokens = dict(self.tokenizer(list(said), padding=True, padding_side="right", return_tensors="pt"))
        if pictures:
            seen["mm_token_type_ids"] = (tokens["input_ids"] == self.tokenizer.convert_tokens_to_ids(self.mark)).int()
        return {"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"], **seen}

    def parts(self) -> tuple[Any, ...]:
        """Tokenizer and image processor."""
        return self.tokenizer, self.image_processor


def described(reader: Reader) -> dict[str, Any]:
    """What of the preparation changes rows, as plain data."""
    pictures = reader.image_processor.to_dict()
    return {
        "template": reader.template,
        "image": {name: pictures.get(name) for name in (*IMAGE_SETTINGS, *PIECES)},
        "vocabulary": reader.tokenizer.get_vocab(),
    }
