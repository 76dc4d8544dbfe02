"""Batches from any pairs: pictures at random, one caption each, positives by the data's own relevance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mirante.datasets import ReadOptions, open_dataset, read_pairs, split_of, whole
from mirante.errors import DataError, UsageError
from mirante.training.config import Data
from mirante.types import Batch, Batches, Pairs, Picture


def open_batches(data: Data) -> Batches:
    """The batches that `data` asks for.

    Raises:
        UsageError: partial captions of a data set that cannot make them.
    """
    dataset = open_dataset(data.address, ReadOptions(language=data.language))
    if data.captions == "given":
        pairs = read_pairs(dataset, language=data.language, limit=data.limit)
        return PairBatches(pairs.sharing_equal_captions())
    make = getattr(whole(dataset), "batches", None)
    if make is None:
        raise UsageError(f'{data.address!r} cannot make partial captions: use captions = "given".')
    asked = {"partials": data.partials, "partners": data.partners, "false_captions": data.false_captions}
    made: Batches = make(split_of(data.address)[1][0], data.language, **asked)
    return made


def training_texts(data: Data, languages: Sequence[str]) -> Iterator[str]:
    """Captions of the training data in each of `languages`, for a tokenizer; image by image."""
    dataset = open_dataset(data.address)
    items = [dataset.items(dataset.splits[0], language) for language in languages]
    for together in zip(*items, strict=True):
        yield from (caption.text for item in together for caption in item.captions)


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
        return Batch(rows.astype(np.int64), tuple(texts), positives, np.full(len(texts), "full"))
