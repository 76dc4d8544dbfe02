"""Batches from any pairs: pictures at random, one caption each, positives by the data's own relevance."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mirante.errors import DataError
from mirante.types import Batch, Pairs, Picture


@dataclass(frozen=True)
class PairBatches:
    """Batches of captioned pictures; equal captions and other captions of the same picture are positives."""

    pairs: Pairs

    @property
    def pictures(self) -> Sequence[Picture]:
        """Every picture of the pairs that has a caption."""
        return [image for image in self.pairs.images if image.id in self._captions]

    @cached_property
    def _captions(self) -> dict[str, list[int]]:
        by_image: dict[str, list[int]] = {}
        for at, caption in enumerate(self.pairs.captions):
            for image in self.pairs.relevance[caption.id]:
                by_image.setdefault(image, []).append(at)
        if not by_image:
            raise DataError(f"{self.pairs.name or 'The data'} has no captioned picture: nothing can be learnt from it.")
        return by_image

    @cached_property
    def _ids(self) -> list[str]:
        return [picture.id for picture in self.pictures]

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """`size` different pictures (fewer if there are fewer), one caption of each, at random."""
        rows = rng.choice(len(self._ids), min(size, len(self._ids)), replace=False)
        ids = [self._ids[row] for row in rows]
        texts: dict[str, frozenset[str]] = {}
        for image in ids:
            options = self._captions[image]
            caption = self.pairs.captions[options[int(rng.integers(len(options)))]]
            texts[caption.text] = texts.get(caption.text, frozenset()) | self.pairs.relevance[caption.id]
        positives = np.array([[image in true for image in ids] for true in texts.values()], dtype=np.bool_)
        return Batch(rows.astype(np.int64), tuple(texts), positives, np.ones(len(texts), dtype=np.bool_))
