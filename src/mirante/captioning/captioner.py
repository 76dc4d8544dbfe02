"""A model that describes pictures, from transformers: torch level for training, plain texts for everybody else."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL.Image import Image
from torch import Tensor
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as FAMILIES

from mirante import digests
from mirante.captioning._forms import Form, form_of, padded
from mirante.captioning.styles import Style, cut
from mirante.encoders import Settings, _adapters, _checkpoint, _locate, _machine
from mirante.encoders._chat import processor_of
from mirante.errors import ModelError
from mirante.types import Provenance

BATCH = 16
PLAIN = ("blip", "git", "vision-encoder-decoder")
"""Families that go on from a start token; the others are asked in a chat."""


class Captioner:
    """A network that writes captions, with its tokenizer and image processor.

    Args:
        module: the network.
        tokenizer: its tokenizer.
        image_processor: its Pillow image processor.
        processor: of a chat model, which writes conversations out.
        origin: model address and the commit or hash of its weights.
        settings: device and precision.
        prompt: words that captions go on from; of a chat model what it is asked.
    """

    def __init__(
        self,
        module: Any,
        tokenizer: Any,
        image_processor: Any,
        *,
        origin: tuple[str, str],
        processor: Any = None,
        settings: Settings = Settings(),  # noqa: B008 - frozen
        prompt: str = "",
    ) -> None:
        self.device = _machine.device(settings.device)
        self.module, self.tokenizer, self.image_processor = module.to(self.device), tokenizer, image_processor
        self.processor, self.batch = processor, settings.batch or BATCH
        self.form: Form = form_of(module, tokenizer, processor, prompt)
        self._provenance = Provenance(*origin, preprocessing=self._fingerprint(settings.precision))

    @property
    def provenance(self) -> Provenance:
        """Of the checkpoint as it was opened."""
        return self._provenance

    def pixels(self, images: Sequence[Image]) -> Tensor:
        """RGB pictures → (B, 3, H, W) float32 on the device."""
        given = self.image_processor(images=list(images), return_tensors="pt")
        values: Tensor = given["pixel_values"].to(self.device)
        return values

    def targets(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """Captions as ids, at most `longest` of each, the end token included where there is room for it."""
        rows = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [[*row, self.form.end][:longest] for row in rows]

    def logits(self, pixels: Tensor, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor]:
        """What the network expects at every place of B captions, each told what comes before it (teacher forcing).

        Args:
            pixels: (B, 3, H, W), the picture of each caption.
            rows: ids of the captions, what `targets` gave.

        Returns:
            (B, L, V) logits, (B, L) ids, and which of them are no padding, (B, L) bool.
        """
        wanted, real = padded(rows, self.form.pad)
        begin = torch.tensor(self.form.begin, dtype=torch.int64).expand(len(rows), -1)
        read = torch.cat([begin, wanted[:, :-1]], dim=1).to(self.device)
        seen = torch.cat([torch.ones_like(begin, dtype=torch.bool), real[:, :-1]], dim=1).to(self.device)
        given = {self.form.texts: read, self.form.mask(): seen.long()}
        found: Tensor = self.module(pixel_values=pixels.to(self.module.dtype), use_cache=False, **given).logits
        return found[:, -wanted.shape[1] :], wanted.to(self.device), real.to(self.device)

    def write(self, pixels: Tensor, style: Style) -> list[str]:
        """One caption for each of (B, 3, H, W) pictures.

        Raises:
            ModelError: the batch does not fit the device's memory.
        """
        begin = torch.tensor(self.form.begin, dtype=torch.int64, device=self.device).expand(len(pixels), -1)
        told = begin
        if self.form.ends_itself:
            told = torch.cat([begin, begin.new_full((len(begin), 1), self.form.end)], dim=1)
        training = self.module.training
        self.module.eval()
        try:
            with torch.inference_mode(), _checkpoint.quiet():
                given = {"pixel_values": pixels.to(self.module.dtype), self.form.texts: told.clone()}
                given[self.form.mask()] = torch.ones_like(told)
                ids = self.module.generate(**given, generation_config=self._asked(style))
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{len(pixels)} pictures do not fit the memory of {str(self.device)!r}: give a smaller --batch, fewer "
                "--beams, or precision fp16."
            ) from error
        finally:
            self.module.train(training)
        said = self.tokenizer.batch_decode(ids[:, begin.shape[1] :], skip_special_tokens=True)
        return [cut(text, style.characters) for text in said]

    def save(self, folder: Path) -> Path:
        """Write a whole checkpoint, which `open_captioner` opens, in one rename."""
        parts = (self.processor,) if self.processor is not None else (self.tokenizer, self.image_processor)
        _checkpoint.write(folder, self.module, parts, half=False)
        return folder

    def _asked(self, style: Style) -> Any:
        sampled = style.temperature > 0
        drawn = {"temperature": style.temperature, "top_p": style.top_p} if sampled else {}
        return transformers.GenerationConfig(
            max_new_tokens=max(1, min(style.tokens, self._places() - len(self.form.begin))),
            min_new_tokens=style.least or None,
            num_beams=style.beams,
            do_sample=sampled,
            eos_token_id=self.form.end,
            pad_token_id=self.form.pad,
            bos_token_id=self.form.begin[0],
            decoder_start_token_id=self.form.begin[0],
            **drawn,
        )

    def _places(self) -> int:
        """Tokens that the decoder has places for, those before the caption included."""
        config = self.module.config.get_text_config(decoder=True)
        return int(getattr(config, "max_position_embeddings", None) or 2**31)

    def _fingerprint(self, precision: str) -> str:
        """16 hex digits that change with how pictures are prepared, the words before a caption and the precision."""
        plain = {"image": self.image_processor.to_dict(), "begin": self.form.begin, "precision": precision}
        return digests.of(plain)


def open_captioner(address: str, settings: Settings = Settings(), *, prompt: str = "") -> Captioner:  # noqa: B008
    """Open the captioner at `address`, a local folder or a hub id.

    Raises:
        UnknownName: nothing of that name is at hand.
        ModelError: it is of a kind that writes no captions; the message names the verb for it. Or it is damaged.
    """
    found = _locate.locate(address, settings.revision)
    kind = _kind(found)
    processor = None if kind in PLAIN else processor_of(found.address, found.folder)
    if processor is not None and not processor.chat_template:
        raise ModelError(
            f"{address!r} is of type {kind!r} and has no chat template: use a model that was tuned to follow "
            f"instructions, or a captioner of type {', '.join(PLAIN)}."
        )
    module = _adapters.read_module(
        transformers.AutoModelForImageTextToText, found.address, found.folder, settings.precision
    )
    parts = (
        (processor.tokenizer, processor.image_processor)
        if processor is not None
        else (
            _checkpoint.read_tokenizer(found.address, found.folder),
            _checkpoint.read_image_processor(_Processors, found.address, found.folder),
        )
    )
    origin = (found.address, found.commit or _adapters.revision(found.folder))
    return Captioner(module, *parts, origin=origin, processor=processor, settings=settings, prompt=prompt)


class _Processors:
    """The image processor that a checkpoint names, always the one that resizes with Pillow."""

    @staticmethod
    def from_pretrained(folder: Path, **options: Any) -> Any:
        return transformers.AutoImageProcessor.from_pretrained(folder, backend="pil", **options)


def _kind(found: _locate.Located) -> str:
    """The type of a checkpoint that writes about pictures.

    Raises:
        ModelError: it is of another kind.
    """
    kind = _locate.model_type(found)
    plain = json.loads((found.folder / _locate.CONFIG).read_text(encoding="utf-8"))
    named = " ".join(plain.get("architectures") or ())
    if kind not in FAMILIES or "ImageTextRetrieval" in named:
        raise ModelError(
            f"{found.address!r} is a model of type {kind!r} that compares pictures and texts and writes none: search, "
            "evaluate and classify with it (`mirante evaluate`, `mirante train`); captions are written by models of "
            f"type {', '.join(PLAIN)} or by chat models such as llava. To make one of its image tower, give "
            "[caption.decoder] in the TOML of `mirante caption train`."
        )
    return str(kind)
