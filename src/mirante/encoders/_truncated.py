"""Shorter rows: the first values of each, brought back to length 1.

Source: Kusupati et al. 2022 (Matryoshka Representation Learning, arXiv 2205.13147). A model that was trained for it
loses little; any other loses as if values were dropped at random, so measure before use.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL.Image import Image

from mirante.encoders import _address
from mirante.errors import ModelError, UsageError
from mirante.types import Encoder, Provenance, Vectors


class Truncated:
    """An encoder that keeps the first values of another's rows, or of each vector of rows that hold several.

    Args:
        whole: the encoder.
        width: values kept of each vector.

    Raises:
        UsageError: the vectors have no such width.
    """

    def __init__(self, whole: Encoder, width: int) -> None:
        self._whole, self._width = whole, width
        self._parts = whole.provenance.parts
        full = whole.dim // self._parts
        if not 1 <= width <= full:
            raise UsageError(
                f"{whole.provenance.model!r} gives vectors of {full} values: dim must be from 1 to {full}."
            )

    @property
    def provenance(self) -> Provenance:
        """That of the whole encoder; address and preprocessing tell of the width, so the rows are of another space."""
        made = self._whole.provenance
        plain, options = _address.split(made.model)
        model = _address.join(plain, {**options, "dim": self._width})
        digest = hashlib.sha256(f"{made.preprocessing} dim {self._width}".encode()).hexdigest()[:16]
        return replace(made, model=model, preprocessing=digest)

    @property
    def dim(self) -> int:
        """Width d of its rows."""
        return self._width * self._parts

    @property
    def device(self) -> Any:
        """Where the network runs; None where there is none."""
        return getattr(self._whole, "device", None)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1.

        Raises:
            ModelError: a row is zero in all values that are kept.
        """
        return self._cut(self._whole.encode_images(images))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1.

        Raises:
            ModelError: a row is zero in all values that are kept.
        """
        return self._cut(self._whole.encode_texts(texts))

    def _cut(self, rows: Vectors) -> Vectors:
        kept = rows.reshape(len(rows), self._parts, -1 if len(rows) else self._width)[:, :, : self._width]
        lengths = np.linalg.norm(kept, axis=-1, keepdims=True)
        if not lengths.all():
            raise ModelError(
                f"A row of {self._whole.provenance.model!r} is zero in its first {self._width} values: keep more."
            )
        unit = (kept / lengths).reshape(len(rows), self.dim) / np.sqrt(np.float32(self._parts))
        return np.ascontiguousarray(unit, np.float32)
