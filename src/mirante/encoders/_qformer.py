"""BLIP-2 as a pair of towers: what each of its learned queries found in a picture, side by side in one row.

Source: Li et al. 2023 (BLIP-2, arXiv 2301.12597). Its own similarity (ITC) of a picture and a text is the cosine of the
query that is nearest to the text. No product of two rows is a maximum: the product of these is the mean over the
queries, and `mirante.nearest` finds the maximum from the same rows.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import Blip2ForImageTextRetrieval, BlipImageProcessorPil

from mirante.encoders import Settings, _checkpoint, _locate
from mirante.encoders._dual import DualEncoder, Pixels, Texts
from mirante.encoders._matcher import LENGTH, Blip2
from mirante.encoders._tensors import shortened
from mirante.errors import ModelError
from mirante.nearest import similarity
from mirante.types import Provenance, Vectors

TYPE = "blip-2"


class QFormerEncoder(DualEncoder):
    """BLIP-2 for matching, its module a `Blip2ForImageTextRetrieval`; q queries of width d' make rows of d = q · d'."""

    family = Blip2()
    learns = ("guide",)

    @property
    def provenance(self) -> Provenance:
        """Of the checkpoint as it was opened; its rows hold q vectors each."""
        return replace(self._provenance, parts=self.queries)

    @property
    def queries(self) -> int:
        """Learned queries q of a picture."""
        return int(self.module.query_tokens.shape[1])

    @property
    def width(self) -> int:
        """Width d' of the space in which one query and a text meet."""
        return int(self.module.config.image_text_hidden_size)

    @property
    def dim(self) -> int:
        """Width d = q · d' of a row."""
        return self.queries * self.width

    def tokens(self, texts: Any) -> dict[str, torch.Tensor]:
        """Texts → `input_ids` and `attention_mask` (B, n), n that of the longest."""
        return shortened(super().tokens(texts))

    def image_features(self, pixels: Pixels) -> torch.Tensor:
        """What `pixels` gave → (B, d), the unit rows of all queries side by side."""
        if not isinstance(pixels, torch.Tensor):
            raise ModelError(f"{self.provenance.model!r} takes pictures of one shape: give pixels (B, 3, H, W).")
        seen = self.module.vision_model(pixel_values=pixels.to(self.module.dtype)).last_hidden_state
        return self.family.looks(self.module, seen).flatten(1)

    def text_features(self, tokens: Any) -> torch.Tensor:
        """What `tokens` gave → (B, d), the unit row of the text once for each query."""
        return self.family.row(self.module, self.family.reads(self.module, tokens)).repeat(1, self.queries)

    def compare(self, texts: Vectors, images: Vectors) -> Vectors:
        """Its own similarity: rows of t texts and n pictures, (t, d) and (n, d) → (t, n), of the nearest query."""
        return similarity(texts, images, self.queries)


def open_qformer(address: str, settings: Settings = Settings()) -> QFormerEncoder:  # noqa: B008 - frozen
    """Open the BLIP-2 at `address`: a local folder or a hub id.

    Raises:
        UnknownName: nothing of that name is at hand.
        UsageError: it cannot be fetched, or the device cannot be used.
        ModelError: another type of model, or a damaged one.
    """
    found = _locate.locate(address, settings.revision)
    kind = _locate.model_type(found)
    if kind != TYPE:
        raise ModelError(f"{address!r} is a model of type {kind!r}, not {TYPE!r}: give a BLIP-2 for matching.")
    return read(found.address, found.folder, replace(settings, revision=found.commit))


def read(address: str, folder: Path, settings: Settings) -> QFormerEncoder:
    """Open the BLIP-2 checkpoint in `folder`; the `revision` of `settings` is the hub's commit, None for a folder.

    Raises:
        ModelError: no safetensors weights, or they do not fit the configuration, or a damaged file.
    """
    return QFormerEncoder(
        _checkpoint.read_module(Blip2ForImageTextRetrieval, address, folder, settings.precision),
        _checkpoint.read_tokenizer(address, folder),
        _checkpoint.read_image_processor(BlipImageProcessorPil, address, folder),
        texts=Texts(LENGTH, lower=False, masked=True),
        origin=(address, settings.revision or _checkpoint.revision(folder)),
        settings=settings,
    )
