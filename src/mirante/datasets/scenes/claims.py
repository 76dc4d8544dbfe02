"""What a caption claims, and of which scenes it is true: exact relevance for full and partial captions.

A claim names some attributes of one group of things or of two, perhaps their relation and the background; what it
does not name is free. "a star" claims exactly one star; "stars" (no count) claims at least one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirante.datasets.scenes.world import (
    BACKGROUNDS,
    COLOURS,
    KINDS,
    PATTERNS,
    RELATIONS,
    SIZES,
    Scene,
    Thing,
    opposite,
)

_ANY = -1
_NONE = -2


@dataclass(frozen=True, slots=True)
class Group:
    """What is claimed of one group of like things; `None` where nothing is; `count` is exact."""

    kind: str | None = None
    colour: str | None = None
    size: str | None = None
    pattern: str | None = None
    count: int | None = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """What a caption says: one group or two, the relation of the first to the second, the background."""

    groups: tuple[Group, ...]
    relation: str | None = None
    background: str | None = None


def full(scene: Scene) -> Claim:
    """Everything that a caption can say of a scene."""
    if scene.is_pair:
        groups = tuple(_group(thing, 1) for thing in scene.things)
        return Claim(groups, scene.relation, scene.background)
    return Claim((_group(scene.things[0], len(scene.things)),), None, scene.background)


def partial(scene: Scene, rng: np.random.Generator) -> Claim:
    """A true claim that leaves some of it out: always a kind, else each attribute with a chance of its own."""
    whole = full(scene)
    keep = rng.random(6) < (0.5, 0.25, 0.25, 0.5, 0.6, 0.25)
    if len(whole.groups) == 2 and keep[4]:
        groups = tuple(replace(_less(group, keep), count=1) for group in whole.groups)
        relation = whole.relation if rng.random() < 0.7 else None
        return Claim(groups, relation, whole.background if keep[5] else None)
    group = whole.groups[int(rng.integers(len(whole.groups)))]
    return Claim((_less(group, keep),), None, whole.background if keep[5] else None)


def turned(claim: Claim) -> Claim:
    """The same claim told from the other thing: "a left of b" as "b right of a"."""
    if len(claim.groups) < 2:
        return claim
    relation = opposite(claim.relation) if claim.relation else None
    return Claim(claim.groups[::-1], relation, claim.background)


def truth(claims: Sequence[Claim], scenes: Sequence[Scene]) -> NDArray[np.bool_]:
    """Whether each claim is true of each scene, (claims, scenes) bool."""
    told, shown = claim_codes(claims), scene_codes(scenes)
    return truth_of_codes(told, shown)


def truth_of_codes(told: NDArray[np.int8], shown: NDArray[np.int8]) -> NDArray[np.bool_]:
    """`truth` on codes: claims (t, 12) and scenes (s, 12) int8 → (t, s) bool."""
    turned, scenes = _opposite_codes(told[:, 11]).tolist(), _Shown(shown)
    found = np.empty((len(told), len(shown)), dtype=np.bool_)
    for row, claim in enumerate(told.tolist()):
        one, other, place, relation = claim[0:5], claim[5:10], claim[10], claim[11]
        if other[0] == _NONE:
            either = scenes.group(one, 0) | scenes.group(one, 5)
        else:
            straight = scenes.group(one, 0) & scenes.group(other, 5) & scenes.column(11, relation)
            either = straight | (scenes.group(one, 5) & scenes.group(other, 0) & scenes.column(11, turned[row]))
        found[row] = either & scenes.column(10, place)
    return found


class _Shown:
    """Which scenes have a value in a column; each is looked for once."""

    def __init__(self, codes: NDArray[np.int8]) -> None:
        self._columns = np.ascontiguousarray(codes.T)
        self._known: dict[tuple[int, int], NDArray[np.bool_]] = {}

    def column(self, number: int, wanted: int) -> NDArray[np.bool_]:
        """(s,): the scenes with that value there; all of them for any."""
        key = (number, wanted)
        if key not in self._known:
            held = self._columns[number]
            self._known[key] = np.ones(len(held), np.bool_) if wanted == _ANY else held == wanted
        return self._known[key]

    def group(self, wanted: Sequence[int], first: int) -> NDArray[np.bool_]:
        """(s,): the scenes whose group in the five columns from `first` on is as wanted."""
        fits: NDArray[np.bool_] = self._columns[first] != _NONE
        for at, value in enumerate(wanted):
            if value != _ANY:
                fits &= self.column(first + at, value)
        return fits


def scene_codes(scenes: Sequence[Scene]) -> NDArray[np.int8]:
    """Scenes as (s, 12) int8: twice (kind, colour, size, pattern, count), background, relation; −2 where absent."""
    codes = np.full((len(scenes), 12), _NONE, dtype=np.int8)
    for row, scene in enumerate(scenes):
        count = 1 if scene.is_pair else len(scene.things)
        for at, thing in enumerate(scene.things if scene.is_pair else scene.things[:1]):
            shown = Group(thing.kind, thing.colour, thing.size, thing.pattern, count)
            codes[row, 5 * at : 5 * at + 5] = _codes(shown)
        codes[row, 10] = BACKGROUNDS.index(scene.background)
        if scene.relation:
            codes[row, 11] = RELATIONS.index(scene.relation)
    return codes


def claim_codes(claims: Sequence[Claim]) -> NDArray[np.int8]:
    """Claims as (t, 12) int8, in the columns of `scene_codes`; −1 where anything fits, −2 where nothing is."""
    codes = np.full((len(claims), 12), _NONE, dtype=np.int8)
    for row, claim in enumerate(claims):
        codes[row, : 5 * len(claim.groups)] = [code for group in claim.groups for code in _codes(group)]
        codes[row, 10] = BACKGROUNDS.index(claim.background) if claim.background else _ANY
        codes[row, 11] = RELATIONS.index(claim.relation) if claim.relation else _ANY
    return codes


def _opposite_codes(relations: NDArray[np.int8]) -> NDArray[np.int8]:
    table = np.array([RELATIONS.index(opposite(relation)) for relation in RELATIONS], dtype=np.int8)
    return np.where(relations >= 0, table[np.maximum(relations, 0)], relations).astype(np.int8)


def _codes(group: Group) -> tuple[int, int, int, int, int]:
    return (
        KINDS.index(group.kind) if group.kind else _ANY,
        COLOURS.index(group.colour) if group.colour else _ANY,
        SIZES.index(group.size) if group.size else _ANY,
        PATTERNS.index(group.pattern) if group.pattern else _ANY,
        group.count if group.count is not None else _ANY,
    )


def _group(thing: Thing, count: int) -> Group:
    return Group(thing.kind, thing.colour, thing.size, thing.pattern if thing.pattern != "plain" else None, count)


def _less(group: Group, keep: NDArray[np.bool_]) -> Group:
    colour, size, pattern, count = (bool(one) for one in keep[:4])
    return Group(
        group.kind,
        group.colour if colour else None,
        group.size if size else None,
        group.pattern if pattern else None,
        group.count if count else None,
    )
