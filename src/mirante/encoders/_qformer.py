"""BLIP-2 as a pair of towers: what each of its learned queries found in a picture, side by side in one row.

Source: Li et al. 2023 (BLIP-2, arXiv 2301.12597). Its own similarity (ITC) of a picture and a text is the cosine of the
query that is nearest to the text. No product of two rows is a maximum: the product of these is the mean over the
queries, and `compare` finds the maximum from the same rows.
"""

from typing import Any

import numpy as np
import torch
from transformers import Blip2ForImageTextRetrieval, BlipImageProcessorPil

from mirante.encoders import Settings, _checkpoint, _locate
from mirante.encoders._dual import DualEncoder, Pixels, Texts
from mirante.encoders._matcher import LENGTH, Blip2
from mirante.errors import ModelError, UnknownName
from mirante.types import Vectors

TYPE = "blip-2"


class QFormerEncoder(DualEncoder):
    """BLIP-2 for matching, its module a `Blip2ForImageTextRetrieval`; q queries of width d' make rows of d = q · d'."""

    family = Blip2()

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
        given = super().tokens(texts)
        longest = int(given["attention_mask"].sum(dim=1).max())
        return {name: values[:, :longest] for name, values in given.items()}

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
        told, seen = texts[:, : self.width], images.reshape(-1, self.width)
        found: Vectors = (np.float32(self.queries) * (told @ seen.T)).reshape(len(texts), len(images), -1).max(axis=2)
        return found


def is_one(address: str, revision: str | None = None) -> bool:
    """Whether the checkpoint at `address` is a BLIP-2.

    Raises:
        UsageError: it cannot be fetched.
        ModelError: its configuration is damaged.
    """
    try:
        return _locate.model_type(_locate.locate(address, revision)) == TYPE
    except UnknownName:
        return False


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
    return QFormerEncoder(
        _checkpoint.read_module(Blip2ForImageTextRetrieval, found.address, found.folder, settings.precision),
        _checkpoint.read_tokenizer(found.address, found.folder),
        _checkpoint.read_image_processor(BlipImageProcessorPil, found.address, found.folder),
        texts=Texts(LENGTH, lower=False, masked=True),
        origin=(found.address, found.commit or _checkpoint.revision(found.folder)),
        settings=settings,
    )
