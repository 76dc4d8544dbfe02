"""Batches from any pairs: pictures at random, one caption each, positives by the data's own relevance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mirante.batch import Batch
from mirante.errors import DataError
from mirante.types import Pairs, Picture


@dataclass(frozen=True)
class PairBatches:
    """Batches of captioned pictures; equal captions and other captions of the same picture are positives.

    Raises:
        DataError: there are fewer than two captioned pictures, or every caption is true of all of them.
    """

    pairs: Pairs

    def __post_init__(self) -> None:
        name = self.pairs.name or "the data"
        if len(self.pictures) < 2:
            few = f"only one captioned picture ({self.pictures[0].id!r})" if self.pictures else "no captioned picture"
            raise DataError(
                f"There is {few} in {name}: nothing can be learnt from it; a picture is told apart from others. "
                "`mirante inspect` shows what was read."
            )
        if all(len(images) == len(self.pictures) for images in self.pairs.relevance.values()):
            raise DataError(
                f"All {len(self.pictures)} pictures of {name} share all their captions (such as "
                f"{self.pairs.captions[0].text[:60]!r}): nothing tells them apart. Check the text column."
            )

    @cached_property
    def pictures(self) -> Sequence[Picture]:
        """Every picture of the pairs that has a caption."""
        return [image for image in self.pairs.images if image.id in self.captions]

    @cached_property
    def captions(self) -> dict[str, list[int]]:
        """Id of each captioned picture → the numbers of all captions that describe it."""
        by_image: dict[str, list[int]] = {}
        for at, caption in enumerate(self.pairs.captions):
            for image in self.pairs.relevance[caption.id]:
                by_image.setdefault(image, []).append(at)
        return by_image

    @cached_property
    def telling(self) -> dict[str, list[int]]:
        """Id of each captioned picture → those of its captions that describe the fewest pictures."""
        relevance, captions = self.pairs.relevance, self.pairs.captions
        found = {}
        for image, options in self.captions.items():
            sizes = [len(relevance[captions[one].id]) for one in options]
            found[image] = [one for one, size in zip(options, sizes, strict=True) if size == min(sizes)]
        return found

    def _caption(self, image: str, rng: np.random.Generator) -> int:
        """A caption of a picture at random; over all pictures each is as likely, however many it describes."""
        options = self.captions[image]
        if len(options) == len(self.telling[image]):
            return options[int(rng.integers(len(options)))]
        shares = np.array([1 / len(self.pairs.relevance[self.pairs.captions[one].id]) for one in options])
        return int(rng.choice(options, p=shares / shares.sum()))

    @cached_property
    def _ids(self) -> list[str]:
        return [picture.id for picture in self.pictures]

    def without(self, ids: Iterable[str]) -> Self:
        """The batches of the other pictures, and of the captions that describe one of them.

        Raises:
            DataError: too little is left.
        """
        return type(self)(self.pairs.without_images(ids))

    def draw(self, step: int, size: int, *, seed: int) -> Batch:
        """`size` pictures (fewer if there are fewer), one caption of each, at random; vague ones as rarely as others.

        Every picture comes once in each pass over the data, in an order of the pass's own.
        """
        rows = list(dict.fromkeys(in_turn(len(self._ids), step * size, size, seed=seed)))
        return self.of(rows, np.random.default_rng((seed, step, 1)))

    def of(self, rows: Sequence[int], rng: np.random.Generator) -> Batch:
        """The batch of those pictures, each row once, with one caption of each at random."""
        place = {self._ids[row]: at for at, row in enumerate(rows)}
        texts: dict[str, frozenset[str]] = {}
        for image in place:
            caption = self.pairs.captions[self._caption(image, rng)]
            texts[caption.text] = texts.get(caption.text, frozenset()) | self.pairs.relevance[caption.id]
        true = [(at, place[image]) for at, images in enumerate(texts.values()) for image in images if image in place]
        cells = np.array(sorted(true), dtype=np.int64).reshape(-1, 2)
        return Batch(np.array(rows, dtype=np.int64), tuple(texts), cells, np.full(len(texts), "full"))


def in_turn(count: int, first: int, length: int, *, seed: int) -> list[int]:
    """Rows at the places `first` to `first + length` of endless passes over `count` rows, each in its own order."""
    places = range(first, first + length)
    return [int(_order(count, place // count, seed)[place % count]) for place in places]


@lru_cache(maxsize=4)
def _order(count: int, one: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, one)).permutation(count)
