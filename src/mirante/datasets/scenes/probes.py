"""What a model sees, one question at a time: forced choices, minimal pairs, free queries. All on unseen scenes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, product

import numpy as np

from mirante.datasets.scenes import claims, grammar
from mirante.datasets.scenes.claims import Claim, Group
from mirante.datasets.scenes.world import (
    BACKGROUNDS,
    COLOURS,
    KINDS,
    MAX_COUNT,
    RELATIONS,
    SIZES,
    TRAINING_STYLES,
    Scene,
    Swap,
    sample,
    sample_pair,
    swap,
)
from mirante.errors import UnknownName

ATTRIBUTES = ("object", "colour", "count", "size", "relation", "background")
_SEED = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """A scene and texts that differ in one attribute; the first text is true, the others are not."""

    scene: Scene
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MinimalPair:
    """Two scenes that differ by one exchange, and the full caption of each (the form of Winoground)."""

    scenes: tuple[Scene, Scene]
    texts: tuple[str, str]


@dataclass(frozen=True, slots=True)
class FreeQuery:
    """A query as a person would type it, and the rows of the gallery that it is true of."""

    text: str
    relevant: frozenset[int]


def choices(attribute: str, language: str = "en", count: int = 500) -> list[Choice]:
    """`count` forced choices of one attribute; chance is one over the number of texts.

    Raises:
        UnknownName: no such attribute.
    """
    if attribute not in ATTRIBUTES:
        raise UnknownName("probe attribute", attribute, ATTRIBUTES)
    asked = (_ask(scene, attribute) for scene in _unseen(attribute))
    return [
        Choice(scene, tuple(grammar.say(claim, language) for claim in told)) for scene, told in islice(asked, count)
    ]


def minimal_pairs(what: Swap, language: str = "en", count: int = 300) -> list[MinimalPair]:
    """`count` pairs that differ by exchanging kinds, colours, sizes or sides; chance of a right group is 1/6."""
    found: list[MinimalPair] = []
    number = 0
    while len(found) < count:
        rng = np.random.default_rng((_SEED, 99, number))
        number += 1
        scene = sample_pair(rng)
        partner = swap(scene, what)
        if partner is not None:
            both = (scene, partner)
            first, second = (grammar.say(claims.full(one), language) for one in both)
            found.append(MinimalPair(both, (first, second)))
    return found


def free_queries(gallery: list[Scene], language: str = "en", least: int = 5) -> list[FreeQuery]:
    """Short queries with at least `least` true pictures in the gallery: a thing, several, a thing in a place."""
    told = [Claim((Group(kind, colour, count=count),)) for kind, colour, count in product(KINDS, COLOURS, (1, 2, 3))]
    told += [Claim((Group(kind, colour),), None, place) for kind, colour, place in product(KINDS, COLOURS, BACKGROUNDS)]
    true = claims.truth(told, gallery)
    return [
        FreeQuery(grammar.say(claim, language), frozenset(np.flatnonzero(row).tolist()))
        for claim, row in zip(told, true, strict=True)
        if row.sum() >= least
    ]


def _unseen(attribute: str) -> Iterator[Scene]:
    """Scenes that the attribute can be asked of: a relation needs a pair, the others one group."""
    number = 0
    while True:
        rng = np.random.default_rng((_SEED, ATTRIBUTES.index(attribute), number))
        number += 1
        scene = sample(rng, TRAINING_STYLES)
        if scene.is_pair == (attribute == "relation"):
            yield scene


def _ask(scene: Scene, attribute: str) -> tuple[Scene, list[Claim]]:
    """The true claim first, then the same with every other value of the attribute."""
    whole = claims.full(scene)
    group = whole.groups[0]
    bare = Group(group.kind, group.colour, count=group.count)
    told: list[Claim]
    if attribute == "object":
        told = [Claim((Group(kind, count=group.count),)) for kind in _first(group.kind, KINDS)]
    elif attribute == "colour":
        told = [Claim((replace(bare, colour=colour),)) for colour in _first(group.colour, COLOURS)]
    elif attribute == "count":
        counts = sorted(range(1, MAX_COUNT + 1), key=lambda count: count != group.count)
        told = [Claim((replace(bare, count=count),)) for count in counts]
    elif attribute == "size":
        told = [Claim((replace(bare, size=size),)) for size in _first(group.size, SIZES)]
    elif attribute == "relation":
        pair = tuple(Group(one.kind, one.colour) for one in whole.groups)
        told = [Claim(pair, relation) for relation in _first(whole.relation, RELATIONS)]
    else:
        told = [Claim((bare,), None, place) for place in _first(whole.background, BACKGROUNDS)]
    return scene, told


def _first(value: str | None, options: tuple[str, ...]) -> list[str]:
    return sorted(options, key=lambda option: option != value)
