"""Published protocols as data: which images and captions are asked, and how relevance is read.

One TOML file under `protocols/` is one preset; a file of your own with the same keys does as well.
"""

import math
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

import numpy as np

from mirante import config
from mirante.errors import DataError, UnknownName, UsageError
from mirante.types import Caption, Pairs

FOLDER = files(__package__) / "protocols"


@dataclass(frozen=True)
class Preset:
    """A protocol before it meets data.

    Args:
        title: for people.
        source: who published it.
        split: read where the address names none; `""` for test or else all, `"all"` for every split pooled.
        recall: what its papers call R@K: `hit_rate` (any right answer among K) or `recall` (the share of them).
        equal_captions: whether captions with the same text share their images.
        images: number of images that it means; None for any.
        captions: number of captions that it means, in each language where each is judged by itself; None for any.
        first_captions: only so many captions of each image, in the data's order; 0 for all.
        fraction: share of the images, drawn at random as `datasets.split_at_random` draws them.
        seed: of that draw.
        folds: equal parts of consecutive images, each with a gallery of its own.
        languages: all captions together, or each language by itself.
        depth: ranks that the metrics see; None for the whole gallery.
    """

    title: str = ""
    source: str = ""
    split: str = ""
    recall: Literal["any-hit", "fractional"] = "any-hit"
    equal_captions: Literal["shared", "as given"] = "shared"
    images: int | None = None
    captions: int | None = None
    first_captions: int = 0
    fraction: float = 1.0
    seed: int = 0
    folds: int = 1
    languages: Literal["together", "each"] = "together"
    depth: int | None = None

    def choose(self, pairs: Pairs) -> Pairs:
        """The images and captions of `pairs` that this protocol is about; embed no others."""
        if self.fraction < 1:
            pairs = pairs.without_images(_rest(pairs, self.fraction, self.seed))
        if not self.first_captions:
            return pairs
        kept = _first_captions(pairs, self.first_captions, by_language=self.languages == "each")
        if self.equal_captions == "shared":  # with those left out: their images carry the text all the same
            pairs = pairs.sharing_equal_captions()
        return replace(pairs, captions=kept, relevance={one.id: pairs.relevance[one.id] for one in kept})

    def parts(self, chosen: Pairs, language: str = "") -> list[tuple[str, Pairs]]:
        """What is judged by itself: language → its captions with all images.

        Args:
            chosen: what `choose` gave.
            language: the one that was read, `""` for all.

        Raises:
            DataError: the numbers of images or captions are not the protocol's.
        """
        tags = sorted({caption.language for caption in chosen.captions})
        parts = [(language, chosen)]
        if self.languages == "each" and tags != [""]:
            parts = [(tag, _in_language(chosen, tag)) for tag in tags]
        for tag, part in parts:
            self._check("images", len(part.images), self.images, part.name, tag)
            self._check("captions", len(part.captions), self.captions, part.name, tag)
        return parts

    def _check(self, what: str, found: int, wanted: int | None, data: str, language: str) -> None:
        if wanted is not None and found != wanted:
            spoken = f" in {language!r}" if language else ""
            where = f"the split {self.split!r} of the published data" if self.split else "the published data"
            raise DataError(
                f"{data!r} has {found} {what}{spoken}, the protocol {self.title!r} means {wanted}: read {where}, "
                "without a limit; or leave the protocol out, so that nobody takes the figures for published ones."
            )


def names() -> tuple[str, ...]:
    """Names of the presets that come with Mirante."""
    return tuple(sorted(one.name.removesuffix(".toml") for one in FOLDER.iterdir() if one.name.endswith(".toml")))


def load_preset(name: str) -> Preset:
    """The preset called `name`, or the one in the TOML file at that path.

    Raises:
        UnknownName: no such preset, or the file has an unknown key.
        UsageError: the file is missing, or a value is of the wrong type or out of range.
    """
    if name.endswith(".toml"):
        return _sound(config.read(Path(name), Preset), name)
    if name not in names():
        raise UnknownName("protocol", name, names())
    with as_file(FOLDER / f"{name}.toml") as path:
        return config.read(path, Preset)


def _sound(preset: Preset, where: str) -> Preset:
    limits = (
        ("fraction", 0 < preset.fraction <= 1, "more than 0, at most 1"),
        ("folds", preset.folds >= 1, "1 or more"),
        ("first_captions", preset.first_captions >= 0, "0 for all, or more"),
        ("depth", preset.depth is None or preset.depth >= 1, "1 or more"),
    )
    for key, sound, meant in limits:
        if not sound:
            raise UsageError(f"{where}: {key} = {getattr(preset, key)!r} cannot be: give {meant}.")
    return preset


def _rest(pairs: Pairs, fraction: float, seed: int) -> set[str]:
    """Ids of the images that are not drawn."""
    ids = [image.id for image in pairs.images]
    order = np.random.default_rng(seed).permutation(len(ids)).tolist()
    return {ids[place] for place in order[math.ceil(fraction * len(ids)) :]}


def _first_captions(pairs: Pairs, count: int, *, by_language: bool) -> tuple[Caption, ...]:
    """Captions that are among the first `count` of one of their images (in their language)."""
    seen: dict[tuple[str, str], int] = {}
    kept = []
    for caption in pairs.captions:
        places = [(image, caption.language if by_language else "") for image in pairs.relevance[caption.id]]
        if any(seen.get(place, 0) < count for place in places):
            kept.append(caption)
        for place in places:
            seen[place] = seen.get(place, 0) + 1
    return tuple(kept)


def _in_language(pairs: Pairs, language: str) -> Pairs:
    kept = tuple(caption for caption in pairs.captions if caption.language == language)
    return replace(pairs, captions=kept, relevance={one.id: pairs.relevance[one.id] for one in kept})
