"""What a scene is: one thing, several of one kind, or two things in relation, before a background, in a style.

A scene is plain data; everything else (pixels, captions, relevance) is a function of it.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

KINDS = (
    "apple", "ball", "bell", "bird", "boat", "butterfly", "car", "cat", "cup", "fish",
    "flower", "heart", "house", "key", "moon", "mushroom", "rocket", "star", "tree", "umbrella",
)  # fmt: skip
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white", "black")
SIZES = ("small", "large")
PATTERNS = ("plain", "striped", "dotted")
BACKGROUNDS = ("beach", "city", "desert", "field", "night", "sea", "snow", "sunset")
RELATIONS = ("left", "right", "above", "below")
STYLES = ("flat", "ink", "crayon", "watercolour", "mosaic", "chalk")
HELD_OUT_STYLES = ("mosaic", "chalk")
TRAINING_STYLES = tuple(style for style in STYLES if style not in HELD_OUT_STYLES)
MAX_COUNT = 4

Swap = Literal["kind", "colour", "size", "side"]
SWAPS: tuple[Swap, ...] = ("kind", "colour", "size", "side")

_OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
_EXTENT = {"single": (0.34, 0.58), "several": (0.25, 0.39), "pair": (0.29, 0.43)}
_SEVERAL_PLACES = {
    2: (((0.28, 0.5), (0.72, 0.5)), ((0.3, 0.32), (0.7, 0.68)), ((0.7, 0.3), (0.3, 0.7))),
    3: (((0.27, 0.3), (0.73, 0.3), (0.5, 0.72)), ((0.5, 0.28), (0.27, 0.71), (0.73, 0.71))),
    4: (((0.28, 0.28), (0.72, 0.28), (0.28, 0.73), (0.72, 0.73)),),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """One drawn object; `x`, `y` (centre) and `extent` (side of its box) are in units of the picture's side."""

    kind: str
    colour: str
    size: str
    pattern: str
    x: float
    y: float
    extent: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture before it is drawn.

    Args:
        things: one; two to four alike (same kind, colour, size, pattern); or two of different kinds.
        background: one of `BACKGROUNDS`.
        style: one of `STYLES`.
        seed: of the small variations that no caption names.
        relation: of the first thing to the second, `""` unless two different things.
    """

    things: tuple[Thing, ...]
    background: str
    style: str
    seed: int
    relation: str = ""

    @property
    def is_pair(self) -> bool:
        """Whether two different things stand in a relation."""
        return bool(self.relation)

    @property
    def content(self) -> str:
        """Hash of everything that determines its pixels."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:32]


def sample(rng: np.random.Generator, styles: tuple[str, ...] = TRAINING_STYLES) -> Scene:
    """Draw a scene at random: 30 % one thing, 30 % several alike, 40 % a pair."""
    form = rng.random()
    if form < 0.3:
        return _single(rng, styles)
    if form < 0.6:
        return _several(rng, styles)
    return sample_pair(rng, styles)


def sample_pair(rng: np.random.Generator, styles: tuple[str, ...] = TRAINING_STYLES) -> Scene:
    """Draw a scene of two things of different kinds and colours in a relation."""
    relation = _pick(rng, RELATIONS)
    kinds = rng.choice(len(KINDS), 2, replace=False)
    colours = rng.choice(len(COLOURS), 2, replace=False)
    offset, wobble = rng.uniform(0.22, 0.25), rng.uniform(-0.1, 0.1, 2)
    along = (0.5 - offset, 0.5 + offset) if relation in ("left", "above") else (0.5 + offset, 0.5 - offset)
    across = (0.5 + wobble[0], 0.5 + wobble[1])
    things = []
    for at in range(2):
        x, y = (along[at], across[at]) if relation in ("left", "right") else (across[at], along[at])
        things.append(_thing(rng, "pair", (KINDS[kinds[at]], COLOURS[colours[at]]), (x, y)))
    return _scene(rng, tuple(things), styles, relation)


def swap(scene: Scene, what: Swap) -> Scene | None:
    """The minimal partner of a pair: kinds, colours, sizes or sides exchanged, all else alike.

    Returns None where the exchange would change nothing (equal sizes) or the scene is no pair.
    """
    if not scene.is_pair:
        return None
    first, second = scene.things
    if what == "kind":
        things = (replace(first, kind=second.kind), replace(second, kind=first.kind))
        return replace(scene, things=things)
    if what == "colour":
        return replace(scene, things=(replace(first, colour=second.colour), replace(second, colour=first.colour)))
    if what == "size":
        if first.size == second.size:
            return None
        things = (
            replace(first, size=second.size, extent=second.extent),
            replace(second, size=first.size, extent=first.extent),
        )
        return replace(scene, things=things)
    things = (replace(first, x=second.x, y=second.y), replace(second, x=first.x, y=first.y))
    return replace(scene, things=things, relation=_OPPOSITE[scene.relation])


def opposite(relation: str) -> str:
    """The relation seen from the other thing: left ↔ right, above ↔ below."""
    return _OPPOSITE[relation]


def _single(rng: np.random.Generator, styles: tuple[str, ...]) -> Scene:
    looks = (_pick(rng, KINDS), _pick(rng, COLOURS))
    x, y = rng.uniform(0.36, 0.64, 2)
    return _scene(rng, (_thing(rng, "single", looks, (x, y)),), styles)


def _several(rng: np.random.Generator, styles: tuple[str, ...]) -> Scene:
    count = int(rng.integers(2, MAX_COUNT + 1))
    layouts = _SEVERAL_PLACES[count]
    places = layouts[rng.integers(len(layouts))]
    model = _thing(rng, "several", (_pick(rng, KINDS), _pick(rng, COLOURS)), (0.5, 0.5))
    shift = rng.uniform(-0.03, 0.03, (count, 2))
    things = tuple(
        replace(model, x=round(x + dx, 3), y=round(y + dy, 3)) for (x, y), (dx, dy) in zip(places, shift, strict=True)
    )
    return _scene(rng, things, styles)


def _thing(rng: np.random.Generator, form: str, looks: tuple[str, str], place: tuple[float, float]) -> Thing:
    size = _pick(rng, SIZES)
    extent = _EXTENT[form][SIZES.index(size)] * rng.uniform(0.95, 1.05)
    pattern = PATTERNS[rng.choice(3, p=(0.6, 0.2, 0.2))]
    return Thing(*looks, size, pattern, round(place[0], 3), round(place[1], 3), round(extent, 3))


def _scene(rng: np.random.Generator, things: tuple[Thing, ...], styles: tuple[str, ...], relation: str = "") -> Scene:
    return Scene(things, _pick(rng, BACKGROUNDS), _pick(rng, styles), int(rng.integers(2**31)), relation)


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]
