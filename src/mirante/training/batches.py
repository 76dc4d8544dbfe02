"""Batches from any pairs: pictures at random, one caption each, positives by the data's own relevance."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mirante.batch import Batch
from mirante.errors import DataError
from mirante.types import Pairs, Picture


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

    def draw(self, step: int, size: int, *, seed: int) -> Batch:
        """`size` pictures (fewer if there are fewer), one caption of each, at random.

        Every picture comes once in each pass over the data, in an order of the pass's own.
        """
        count = len(self._ids)
        places = np.arange(step * size, (step + 1) * size)
        orders = {one: np.random.default_rng((seed, one)).permutation(count) for one in np.unique(places // count)}
        rows = list(dict.fromkeys(int(orders[place // count][place % count]) for place in places))
        return self._batch(rows, np.random.default_rng((seed, step, 1)))

    def _batch(self, rows: list[int], rng: np.random.Generator) -> Batch:
        place = {self._ids[row]: at for at, row in enumerate(rows)}
        texts: dict[str, frozenset[str]] = {}
        for image in place:
            options = self._captions[image]
            caption = self.pairs.captions[options[int(rng.integers(len(options)))]]
            texts[caption.text] = texts.get(caption.text, frozenset()) | self.pairs.relevance[caption.id]
        true = [(at, place[image]) for at, images in enumerate(texts.values()) for image in images if image in place]
        cells = np.array(sorted(true), dtype=np.int64).reshape(-1, 2)
        return Batch(np.array(rows, dtype=np.int64), tuple(texts), cells, np.full(len(texts), "full"))
