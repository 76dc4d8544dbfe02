"""Measured pictures that were learnt from: equal ones and near copies, named; and the figures without them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from mirante.diagnosis.copies import copies_between
from mirante.diagnosis.fingerprints import Fingerprints, fingerprint
from mirante.evaluation import PerQuery
from mirante.evaluation.intervals import estimate
from mirante.pixels import REASONS
from mirante.types import Embeddings, Estimate, Pairs, Picture

Reason: TypeAlias = Literal["equal", "near copy"]


@dataclass(frozen=True, slots=True)
class Leak:
    """A measured picture (`asked`) and one that was learnt from (`known`) that are the same; both are ids."""

    asked: str
    known: str
    reason: Reason


@dataclass(frozen=True)
class Leaks:
    """What two sets of pictures share.

    Args:
        known: name of what was learnt from.
        asked: name of what is measured.
        pairs: every leaked picture, with the pictures that it is a copy of.
        pictures: number of measured pictures.
        captions: number of measured captions.
        touched: ids of the measured captions that describe a leaked picture.
        near: whether near copies were looked for, or equal contents only.
        unreadable: pictures of either side that could not be looked at.
    """

    known: str
    asked: str
    pairs: tuple[Leak, ...]
    pictures: int
    captions: int
    touched: frozenset[str]
    near: bool = True
    unreadable: int = 0

    @cached_property
    def images(self) -> tuple[str, ...]:
        """Ids of the measured pictures that leaked."""
        return tuple(dict.fromkeys(pair.asked for pair in self.pairs))

    def count(self, reason: Reason) -> int:
        """Measured pictures that leaked so; one that is both counts as equal."""
        equal = {pair.asked for pair in self.pairs if pair.reason == "equal"}
        return len(equal) if reason == "equal" else len(self.images) - len(equal)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "known": self.known,
            "asked": self.asked,
            "pictures": self.pictures,
            "captions": self.captions,
            "leaked_pictures": len(self.images),
            "equal": self.count("equal"),
            "near_copies": self.count("near copy"),
            "touched_captions": len(self.touched),
            "looked_for_near_copies": self.near,
            "unreadable": self.unreadable,
            "pairs": [{"asked": one.asked, "known": one.known, "reason": one.reason} for one in self.pairs],
        }


def find_leaks(
    known: Pairs | Sequence[Picture] | Fingerprints,
    asked: Pairs,
    *,
    asked_prints: Fingerprints | None = None,
    vectors: tuple[Embeddings, Embeddings] | None = None,
    near: bool = True,
    name: str = "",
) -> Leaks:
    """Look for pictures of `asked` among those of `known`.

    Args:
        known: what was learnt from: pairs, pictures, or their fingerprints, which need no decoding.
        asked: what is measured.
        asked_prints: fingerprints of its pictures, where they are there already.
        vectors: of the pictures of `asked` and of `known`, by one model: they add candidates.
        near: decode the pictures and look for near copies too; else equal contents only.
        name: of `known`, where it is not pairs.
    """
    contents = _contents(known)
    pairs = [
        Leak(image.id, contents[image.content], "equal")
        for image in asked.images
        if image.content in contents and _is_readable(image.content)
    ]
    unreadable = 0
    if near:
        theirs = known if isinstance(known, Fingerprints) else fingerprint(_pictures(known))
        mine = asked_prints or fingerprint(asked.images)
        equal = {pair.asked for pair in pairs}
        rest = mine.rows([number for number, one in enumerate(mine.ids) if one not in equal])
        pairs += [Leak(one, other, "near copy") for one, other in copies_between(rest, theirs, vectors)]
        unreadable = len(mine.unreadable) + len(theirs.unreadable)
    leaked = {pair.asked for pair in pairs}
    touched = frozenset(one.id for one in asked.captions if not leaked.isdisjoint(asked.relevance[one.id]))
    return Leaks(
        known=known.name if isinstance(known, Pairs) else name,
        asked=asked.name,
        pairs=tuple(pairs),
        pictures=len(asked.images),
        captions=len(asked.captions),
        touched=touched,
        near=near,
        unreadable=unreadable,
    )


def without(found: PerQuery, leaks: Leaks) -> Mapping[str, Estimate]:
    """The metrics of the queries that no leak touches, among the same candidates, with intervals.

    Args:
        found: one model's values, query by query, of either direction.
        leaks: of the same data.

    Returns:
        Metric → estimate; empty where every query is touched. The median rank, no mean, is left out.
    """
    spoilt = leaks.touched if found.protocol.direction == "text_to_image" else frozenset(leaks.images)
    kept = np.array([number for number, query in enumerate(found.queries) if query not in spoilt], np.int64)
    if not len(kept):
        return {}
    values = {name: one[kept] for name, one in found.values.items()}
    return estimate(values, [found.clusters[number] for number in kept])


def _contents(known: Pairs | Sequence[Picture] | Fingerprints) -> dict[str, str]:
    """Content → the id of the first picture with it."""
    named = (
        zip(known.contents, known.ids, strict=True)
        if isinstance(known, Fingerprints)
        else ((picture.content, picture.id) for picture in _pictures(known))
    )
    found: dict[str, str] = {}
    for content, one in named:
        found.setdefault(content, one)
    return found


def _pictures(known: Pairs | Sequence[Picture]) -> Sequence[Picture]:
    return known.images if isinstance(known, Pairs) else known


def _is_readable(content: str) -> bool:
    """Pictures that are known as unreadable carry the reason as content, and equal none."""
    return content.partition(":")[0] not in REASONS
