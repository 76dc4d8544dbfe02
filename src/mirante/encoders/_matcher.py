"""Image–text matching: how well one picture fits one text, with both seen together.

Sources: Li et al. 2022 (BLIP, arXiv 2201.12086), Li et al. 2023 (BLIP-2, arXiv 2301.12597). A picture passes the vision
tower once, whatever the number of texts; the match is worked out by a text encoder (BLIP) or Q-Former (BLIP-2) that
attends to it. What is computed is what the library's own forward pass computes, in two parts.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn.functional import normalize
from transformers import Blip2ForImageTextRetrieval, BlipForImageTextRetrieval, BlipImageProcessorPil

from mirante.encoders import Settings, _checkpoint, _locate, _machine
from mirante.errors import ModelError
from mirante.types import Provenance

LENGTH = 64
"""Tokens of a text; longer ones are cut."""


class Family(Protocol):
    """What differs between the two."""

    kind: Any

    def match(self, model: Any, tokens: dict[str, Tensor], seen: Tensor) -> Tensor:
        """B texts and the hidden states of B pictures → (B,) the logit of a match less that of none."""

    def similarity(self, model: Any, tokens: dict[str, Tensor], seen: Tensor) -> Tensor:
        """The same → (B,) cosines."""


class Blip:
    """BLIP: a text encoder that attends to the picture's tokens; its first token is judged."""

    kind = BlipForImageTextRetrieval

    def match(self, model: Any, tokens: dict[str, Tensor], seen: Tensor) -> Tensor:
        """(B,) logits."""
        said = model.text_encoder(**tokens, encoder_hidden_states=seen, encoder_attention_mask=_all(seen))
        return _difference(model.itm_head(said.last_hidden_state[:, 0]))

    def similarity(self, model: Any, tokens: dict[str, Tensor], seen: Tensor) -> Tensor:
        """(B,) cosines."""
        return (self.looks(model, seen) * self.row(model, tokens)).sum(dim=-1)

    def looks(self, model: Any, seen: Tensor) -> Tensor:
        """The hidden states of B pictures → (B, d) unit rows, of the class token."""
        return normalize(model.vision_proj(seen[:, 0]).float(), dim=-1)

    def row(self, model: Any, tokens: dict[str, Tensor]) -> Tensor:
        """B texts → (B, d) unit rows, of the first token; no picture is seen."""
        return normalize(model.text_proj(model.text_encoder(**tokens).last_hidden_state[:, 0]).float(), dim=-1)


class Blip2:
    """BLIP-2: learned queries read picture and text; the mean of their judgements counts, and the best one's cosine."""

    kind = Blip2ForImageTextRetrieval

    def match(self, model: Any, tokens: dict[str, Tensor], seen: Tensor) -> Tensor:
        """(B,) logits."""
        queries = model.query_tokens.expand(len(seen), -1, -1)
        read = model.qformer(
            query_embeds=model.embeddings(input_ids=tokens["input_ids"], query_embeds=queries),
            query_length=queries.shape[1],
            attention_mask=torch.cat([_all(queries), tokens["attention_mask"]], dim=1),
            encoder_hidden_states=seen,
            encoder_attention_mask=_all(seen),
        ).last_hidden_state
        judged = model.itm_head(read[:, : queries.shape[1]].to(model.itm_head.weight.dtype))
        return _difference(judged.mean(dim=1))

    def similarity(self, model: Any, tokens: dict[str, Tensor], seen: Tensor) -> Tensor:
        """(B,) cosines of the text and the query nearest to it."""
        return best(self.row(model, self.reads(model, tokens)), self.looks(model, seen))

    def looks(self, model: Any, seen: Tensor) -> Tensor:
        """The hidden states of B pictures → (B, q, d) unit rows, what each query found."""
        queries = model.query_tokens.expand(len(seen), -1, -1)
        looked = model.qformer(
            query_embeds=queries, encoder_hidden_states=seen, encoder_attention_mask=_all(seen)
        ).last_hidden_state
        return normalize(model.vision_projection(looked.to(model.vision_projection.weight.dtype)).float(), dim=-1)

    def reads(self, model: Any, tokens: dict[str, Tensor]) -> Tensor:
        """B texts → (B, n, w) hidden states; no picture is seen."""
        said: Tensor = model.qformer(
            query_embeds=model.embeddings(input_ids=tokens["input_ids"]),
            query_length=0,
            attention_mask=tokens["attention_mask"],
        ).last_hidden_state
        return said

    def row(self, model: Any, said: Tensor) -> Tensor:
        """What `reads` gave → (B, d) unit rows, of the first token."""
        return normalize(model.text_projection(said[:, 0].to(model.text_projection.weight.dtype)).float(), dim=-1)


def best(rows: Tensor, looked: Tensor) -> Tensor:
    """(B, d) unit rows of texts and (B, q, d) of pictures → (B,) cosines of each text and the query nearest to it."""
    return (looked * rows[:, None]).sum(dim=-1).amax(dim=1)


FAMILIES: dict[str, Family] = {"blip": Blip(), "blip-2": Blip2()}


class Matcher:
    """An open model that matches pictures and texts.

    Args:
        family: how.
        module: the network.
        tokenizer: its tokenizer.
        image_processor: its Pillow image processor.
        origin: model address and the commit or hash of its weights.
        settings: device and batch.
    """

    def __init__(
        self,
        family: Family,
        module: Any,
        tokenizer: Any,
        image_processor: Any,
        *,
        origin: tuple[str, str],
        settings: Settings,
    ) -> None:
        self.device = _machine.device(settings.device)
        self.family, self.module = family, module.to(self.device)
        self.tokenizer, self.image_processor = tokenizer, image_processor
        self.batch = settings.batch or _machine.batch(module, self.device)
        self.provenance = Provenance(*origin, preprocessing="")

    def see(self, images: Sequence[Image]) -> Tensor:
        """RGB pictures → (B, n, w) hidden states of the vision tower."""
        pixels = self.image_processor(images=list(images), return_tensors="pt")["pixel_values"]
        pixels = pixels.to(self.device, self.module.dtype)
        hidden: Tensor = self.module.vision_model(pixel_values=pixels).last_hidden_state
        return hidden

    def tokens(self, text: str, count: int) -> dict[str, Tensor]:
        """One text, `count` times: `input_ids` and `attention_mask` (count, length)."""
        given = self.tokenizer([text], truncation=True, max_length=LENGTH, return_tensors="pt").to(self.device)
        return {key: given[key].expand(count, -1) for key in ("input_ids", "attention_mask")}

    def match(self, text: str, seen: Tensor) -> Tensor:
        """The text and the hidden states of B pictures → (B,) logits of a match."""
        return self.family.match(self.module, self.tokens(text, len(seen)), seen)

    def similarity(self, text: str, seen: Tensor) -> Tensor:
        """The text and the hidden states of B pictures → (B,) cosines."""
        return self.family.similarity(self.module, self.tokens(text, len(seen)), seen)


def open_matcher(address: str, settings: Settings = Settings()) -> Matcher:  # noqa: B008 - frozen
    """Open the BLIP or BLIP-2 at `address`: a local folder or a hub id.

    Raises:
        UnknownName: nothing of that name is at hand.
        ModelError: another type of model, or a damaged one.
    """
    found = _locate.locate(address, settings.revision)
    kind = _locate.model_type(found)
    if kind not in FAMILIES:
        raise ModelError(
            f"{address!r} is a model of type {kind!r}, which matches no pictures and texts: use one of type "
            f"{', '.join(FAMILIES)}, e.g. Salesforce/blip-itm-base-coco."
        )
    family = FAMILIES[kind]
    return Matcher(
        family,
        _checkpoint.read_module(family.kind, found.address, found.folder, settings.precision),
        _checkpoint.read_tokenizer(found.address, found.folder),
        _checkpoint.read_image_processor(BlipImageProcessorPil, found.address, found.folder),
        origin=(found.address, found.commit or _checkpoint.revision(found.folder)),
        settings=settings,
    )


def _all(rows: Tensor) -> Tensor:
    """A mask that hides none of (B, n, w)."""
    return torch.ones(rows.shape[:2], dtype=torch.long, device=rows.device)


def _difference(judged: Tensor) -> Tensor:
    return (judged[:, 1] - judged[:, 0]).float()
