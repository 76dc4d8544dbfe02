"""`scenes`: drawn pictures with captions in English and Portuguese, made from a seed, without network or disk.

Splits, each of any size by a suffix (`scenes:train-1000000`): `train`, `validation`, `test` (styles known in
training), `mosaic` (a drawing style held out from training), `hard` (a gallery of minimal pairs, with `hard-train` and
`hard-validation` to learn from; what is measured has full captions alone, as a partial one is often true of both), and
a second style held out, chalk on a blackboard, with pictures to learn it from: `chalk` (its test), `chalk-train`,
`chalk-validation`.
No scene is in two splits.
Relevance is exact: a partial caption describes every picture that satisfies it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial as bind
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL.Image import Image

from mirante.datasets._contrasts import Contrast
from mirante.datasets.scenes import claims, grammar
from mirante.datasets.scenes.batches import FalseCaptions, SceneBatches, with_partners
from mirante.datasets.scenes.claims import Claim
from mirante.datasets.scenes.drawing import draw
from mirante.datasets.scenes.world import HELD_OUT_STYLES, SWAPS, TRAINING_STYLES, Scene, sample, sample_pair, swap
from mirante.errors import UnknownName
from mirante.types import Caption, Item, Pairs, Picture, Scalar

NAME = "scenes"
RESOLUTION = 128
SIZES: Mapping[str, int] = MappingProxyType(
    {
        "train": 10_000,
        "validation": 1_000,
        "test": 1_000,
        "mosaic": 1_000,
        "hard": 1_000,
        "hard-train": 8_000,
        "hard-validation": 1_000,
        "chalk": 1_000,
        "chalk-train": 4_000,
        "chalk-validation": 500,
    }
)
_SEEDS = {
    "train": 1,
    "validation": 2,
    "test": 3,
    "mosaic": 4,
    "hard": 5,
    "chalk": 6,
    "chalk-train": 7,
    "chalk-validation": 8,
    "hard-train": 9,
    "hard-validation": 10,
}
_MINIMAL = ("hard", "hard-train", "hard-validation")
_PARTIAL_CAPTIONS = {"hard": 0, "hard-validation": 0, "hard-train": 1}
"""Of each picture, where not two."""
_BLOCK = 500


def accepts(address: str) -> bool:
    """Whether `address` names this data set."""
    return address == NAME


def open(address: str, options: Any) -> "SceneDataset":
    """The data set; no option changes it."""
    del address, options
    return SceneDataset()


def example(folder: Path) -> str:
    """An address of a small valid data set of this kind."""
    del folder
    return f"{NAME}:test-6"


@dataclass(frozen=True)
class SceneDataset:
    """The data set `scenes`; pictures are drawn only when their pixels are asked for."""

    @property
    def name(self) -> str:
        """`"scenes"`."""
        return NAME

    @property
    def revision(self) -> str:
        """Changes with anything that changes a picture or a caption; a new split changes none."""
        return "scenes-2"

    @property
    def splits(self) -> tuple[str, ...]:
        """The named splits; sizes can be given as `train-1000000`."""
        return tuple(SIZES)

    @property
    def distinct(self) -> bool:
        """No picture is a copy of another: each is drawn from its own scene, and equal scenes have equal content."""
        return True

    @property
    def columns(self) -> Mapping[str, str]:
        """The roles of its two columns."""
        return {"image": "picture", "text": "captions"}

    def scenes(self, split: str) -> Iterator[Scene]:
        """The scenes of a split, one after the other, before they are drawn.

        Raises:
            UnknownName: no such split.
        """
        name, size = _parse(split)
        for index in range(size):
            yield _scene(name, index)

    def count(self, split: str) -> int:
        """Number of pictures of a split."""
        return _parse(split)[1]

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """The pictures of a split, each with a full caption per language and as many partial ones as its split has."""
        name = _parse(split)[0]
        for index, scene in enumerate(self.scenes(split)):
            identity = f"{name}-{index:07d}"
            told = _claims(scene, name)
            captions = [
                Caption(f"{identity}#{tag}{number}", grammar.say(claim, tag), tag)
                for tag in _languages(language)
                for number, claim in enumerate(told)
            ]
            yield Item(picture(scene, identity), tuple(captions))

    def pairs(self, split: str, language: str | None = None, limit: int | None = None) -> Pairs:
        """The items of a split with exact relevance: every caption and every picture that it is true of."""
        found = Pairs.from_items(_first(self.items(split, language), limit), f"{NAME}:{split}")
        scenes = list(_first(self.scenes(split), limit))
        ids = [image.id for image in found.images]
        name = _parse(split)[0]
        told = [claim for scene in scenes for _ in _languages(language) for claim in _claims(scene, name)]
        shown, said = claims.scene_codes(scenes), claims.claim_codes(told)
        blocks = (claims.truth_of_codes(said[at : at + _BLOCK], shown) for at in range(0, len(told), _BLOCK))
        true = (row for block in blocks for row in block)
        relevance = {
            caption.id: frozenset(ids[at] for at in np.flatnonzero(row))
            for caption, row in zip(found.captions, true, strict=True)
        }
        return Pairs(found.images, found.captions, relevance, found.name)

    def contrasts(self, split: str, language: str | None = None) -> Iterator[Contrast]:
        """The minimal pairs of a split as questions: each picture with its full caption, beside its partner's.

        What a pair exchanges is its kind. Splits without such pairs ask nothing.
        """
        name, size = _parse(split)
        for index in range(0, size - 1, 2) if name in _MINIMAL else ():
            both = [_scene(name, at) for at in (index, index + 1)]
            ids = [f"{name}-{at:07d}" for at in (index, index + 1)]
            images = tuple(picture(scene, identity) for scene, identity in zip(both, ids, strict=True))
            for tag in _languages(language):
                told = (grammar.say(claims.full(scene), tag) for scene in both)
                texts = (Caption(f"{one}#{tag}", text, tag) for one, text in zip(ids, told, strict=True))
                yield Contrast(f"{ids[0]}@{tag}", SWAPS[(index // 2) % len(SWAPS)], images, tuple(texts))

    def batches(
        self,
        split: str,
        language: str | None,
        *,
        partials: int,
        partners: float,
        false_captions: FalseCaptions = "swaps",
    ) -> SceneBatches:
        """Training batches of a split with partial and false captions and minimal partners, in one language."""
        scenes, partner = with_partners(list(self.scenes(split)), partners)
        pictures = [picture(scene, f"{split}-{row:07d}") for row, scene in enumerate(scenes)]
        return SceneBatches(scenes, pictures, _languages(language)[0], partials, partner, false_captions)


def picture(scene: Scene, identity: str) -> Picture:
    """A scene as a picture of `RESOLUTION` pixels that is drawn when loaded; what it shows is its metadata."""
    first = scene.things[0]
    metadata: dict[str, Scalar] = {
        "background": scene.background,
        "style": scene.style,
        "kind": first.kind,
        "colour": first.colour,
        "count": len(scene.things) if not scene.is_pair else 1,
    }
    load = bind(_draw, scene)
    return Picture(identity, scene.content, load, metadata)


def _draw(scene: Scene) -> Image:
    return draw(scene, RESOLUTION)


def _claims(scene: Scene, split: str) -> list[Claim]:
    rng, partials = np.random.default_rng(scene.seed), _PARTIAL_CAPTIONS.get(split, 2)
    return list(dict.fromkeys([claims.full(scene), *(claims.partial(scene, rng) for _ in range(partials))]))


def _languages(wanted: str | None) -> tuple[str, ...]:
    if wanted is None:
        return grammar.LANGUAGES
    tag = wanted.replace("_", "-").lower()
    found = tuple(known for known in grammar.LANGUAGES if known.lower().startswith(tag[:2]))
    if not found:
        raise UnknownName("language of scenes", wanted, grammar.LANGUAGES)
    return found


def language_of(tag: str) -> str:
    """The grammar's language for a tag such as `pt` or `pt_BR`.

    Raises:
        UnknownName: no grammar of that language.
    """
    return _languages(tag)[0]


def _parse(split: str) -> tuple[str, int]:
    name, _, size = split.rpartition("-")
    if not size.isdecimal():
        name, size = split, ""
    if name not in SIZES:
        raise UnknownName("split of scenes", split, SIZES)
    return name, int(size) if size else SIZES[name]


def _scene(split: str, index: int) -> Scene:
    if split in _MINIMAL:
        return _minimal(split, index)
    style = split.partition("-")[0]
    styles = (style,) if style in HELD_OUT_STYLES else TRAINING_STYLES
    return sample(np.random.default_rng((_SEEDS[split], index)), styles)


def _minimal(split: str, index: int) -> Scene:
    """Even indices are pairs at random, each odd one is the partner of the scene before it."""
    number, second = divmod(index, 2)
    rng = np.random.default_rng((_SEEDS[split], number))
    while True:
        scene = sample_pair(rng)
        partner = swap(scene, SWAPS[number % len(SWAPS)])
        if partner is not None:
            return partner if second else scene


def _first(parts: Iterator[Any], limit: int | None) -> Iterator[Any]:
    for number, part in enumerate(parts):
        if limit is not None and number >= limit:
            return
        yield part
