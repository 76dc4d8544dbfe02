"""The two sides of a blend, measured again and again: what cannot have changed is not done twice."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace

from PIL.Image import Image

from mirante.embeddings import embed_pairs
from mirante.errors import DataError
from mirante.evaluation import Settings, evaluate
from mirante.progress import Step, listening
from mirante.training.snapshot import Measured
from mirante.types import Embeddings, Encoder, Pairs, Picture

ROOM = 1 << 30
"""Bytes of decoded pictures that are kept for the next model."""
_TOWERS = {"images": ("vision_model.", "visual_projection."), "texts": ("text_model.", "text_projection.")}
_OF_NEITHER = ("logit_scale", "logit_bias")


@dataclass(frozen=True)
class Side:
    """Pairs, and the language of their captions, `""` for all."""

    pairs: Pairs
    language: str = ""


class Sides:
    """Target and retained data, for models that differ in some weights only.

    Args:
        target: what was learnt.
        retain: what must not be forgotten.
        moved: names of those weights; rows of a tower that has none of them are encoded once.
    """

    def __init__(self, target: Side, retain: Side, moved: Iterable[str]) -> None:
        decoded = _Decoded(ROOM)
        anew = _anew(moved)
        self._target, self._retain = (_Measure(side, decoded, anew) for side in (target, retain))
        self._told = False

    def measure(self, encoder: Encoder) -> tuple[Measured, Measured]:
        """Text to image on both sides; only the first time tells its progress."""
        with listening(_silent) if self._told else nullcontext():
            self._told = True
            return self._target(encoder), self._retain(encoder)


class _Measure:
    """One side; remembers the rows that stay."""

    def __init__(self, side: Side, decoded: "_Decoded", anew: frozenset[str]) -> None:
        self._side, self._anew = side, anew
        self._pairs = replace(side.pairs, images=tuple(map(decoded.keep, side.pairs.images)))
        self._dropped = 0
        self._rows: tuple[Embeddings, Embeddings] | None = None

    def __call__(self, encoder: Encoder) -> Measured:
        images, texts = self._rows = self._encode(encoder)
        settings = Settings(language=self._side.language, dropped=self._dropped)
        result = evaluate(images, texts, self._pairs, settings).result
        return Measured(dict(result.metrics), result.protocol)

    def _encode(self, encoder: Encoder) -> tuple[Embeddings, Embeddings]:
        if self._rows is None:
            images, texts, unreadable = embed_pairs(self._pairs, encoder)
            self._pairs, self._dropped = self._pairs.without_images(unreadable), len(unreadable)
            if not self._pairs.captions:
                name = self._side.pairs.name
                raise DataError(f"{name!r} has no readable picture with a caption: `mirante inspect` says why.")
            return images, texts
        images, texts = self._rows
        left = replace(
            self._pairs,
            images=self._pairs.images if "images" in self._anew else (),
            captions=self._pairs.captions if "texts" in self._anew else (),
        )
        new_images, new_texts, _ = embed_pairs(left, encoder)
        return new_images if left.images else images, new_texts if left.captions else texts


class _Decoded:
    """Pictures that are decoded once, as long as there is room for them.

    Args:
        room: bytes.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._images: dict[str, Image] = {}

    def keep(self, picture: Picture) -> Picture:
        """The same picture; loading it a second time may cost nothing."""
        return replace(picture, load=lambda: self._load(picture))

    def _load(self, picture: Picture) -> Image:
        if picture.content in self._images:
            return self._images[picture.content]
        image = picture.load()
        size = 3 * image.width * image.height
        if size <= self._room:
            self._room -= size
            self._images[picture.content] = image
        return image


def _silent(step: Step) -> None:
    """Hear nothing."""


def _anew(moved: Iterable[str]) -> frozenset[str]:
    """Which rows change with the weights `moved`; a weight of no known tower changes all."""
    kinds: set[str] = set()
    for name in moved:
        own = [kind for kind, starts in _TOWERS.items() if name.startswith(starts)]
        kinds.update(own or (() if name in _OF_NEITHER else _TOWERS))
    return frozenset(kinds)
