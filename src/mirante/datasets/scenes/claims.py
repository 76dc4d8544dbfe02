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
    told, shown = _claim_codes(claims), scene_codes(scenes)
    return truth_of_codes(told, shown)


def truth_of_codes(told: NDArray[np.int8], shown: NDArray[np.int8]) -> NDArray[np.bool_]:
    """`truth` on codes: claims (t, 12) and scenes (s, 12) int8 → (t, s) bool."""
    place = (told[:, None, 10] == _ANY) | (told[:, None, 10] == shown[None, :, 10])
    two = told[:, None, 5] != _NONE
    straight, crossed = told[:, None, 11], _opposite_codes(told[:, 11])[:, None]
    found: NDArray[np.bool_] = np.zeros((len(told), len(shown)), dtype=np.bool_)
    for one, other, relation in ((0, 5, straight), (5, 0, crossed)):
        related = (relation == _ANY) | (relation == shown[None, :, 11])
        first = _fits(told[:, 0:5], shown[:, one : one + 5])
        second = _fits(told[:, 5:10], shown[:, other : other + 5])
        found |= first & np.where(two, second & related, True)
    result: NDArray[np.bool_] = found & place
    return result


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


def _claim_codes(claims: Sequence[Claim]) -> NDArray[np.int8]:
    codes = np.full((len(claims), 12), _NONE, dtype=np.int8)
    for row, claim in enumerate(claims):
        codes[row, : 5 * len(claim.groups)] = [code for group in claim.groups for code in _codes(group)]
        codes[row, 10] = BACKGROUNDS.index(claim.background) if claim.background else _ANY
        codes[row, 11] = RELATIONS.index(claim.relation) if claim.relation else _ANY
    return codes


def _fits(told: NDArray[np.int8], shown: NDArray[np.int8]) -> NDArray[np.bool_]:
    wanted, present = told[:, None, :], shown[None, :, :]
    fits: NDArray[np.bool_] = ((wanted == present) | (wanted == _ANY)).all(axis=2) & (present[:, :, 0] != _NONE)
    return fits


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
