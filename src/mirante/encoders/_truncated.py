"""Shorter rows: the first values of each, brought back to length 1.

Source: Kusupati et al. 2022 (Matryoshka Representation Learning, arXiv 2205.13147). A model that was trained for it
loses little; any other loses as if values were dropped at random, so measure before use.
"""

import numpy as np

from mirante.encoders._changed import Changed
from mirante.errors import ModelError, UsageError
from mirante.types import Encoder, Vectors


class Truncated(Changed):
    """An encoder that keeps the first values of another's rows, or of each vector of rows that hold several.

    Args:
        whole: the encoder.
        width: values kept of each vector.

    Raises:
        UsageError: the vectors have no such width.
    """

    def __init__(self, whole: Encoder, width: int) -> None:
        super().__init__(whole, dim=width)
        self._width, self._parts = width, whole.provenance.parts
        full = whole.dim // self._parts
        if not 1 <= width <= full:
            raise UsageError(
                f"{whole.provenance.model!r} gives vectors of {full} values: dim must be from 1 to {full}."
            )

    @property
    def dim(self) -> int:
        """Width d of its rows."""
        return self._width * self._parts

    def changed(self, rows: Vectors) -> Vectors:
        """(n, D) unit rows → (n, d) unit rows.

        Raises:
            ModelError: a row is zero in all values that are kept.
        """
        kept = rows.reshape(len(rows), self._parts, -1 if len(rows) else self._width)[:, :, : self._width]
        lengths = np.linalg.norm(kept, axis=-1, keepdims=True)
        if not lengths.all():
            raise ModelError(
                f"A row of {self.whole.provenance.model!r} is zero in its first {self._width} values: keep more."
            )
        unit = (kept / lengths).reshape(len(rows), self.dim) / np.sqrt(np.float32(self._parts))
        return np.ascontiguousarray(unit, np.float32)
