"""Captions of `scenes` judged by what they say: read by the grammar, held against what was drawn."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mirante.datasets.scenes.claims import Claim, Group, full, truth
from mirante.datasets.scenes.parsing import read
from mirante.datasets.scenes.world import Scene

ASPECTS = ("objects", "colours", "counts", "named", "all")
"""`named` is objects, colours and counts together; `all` also sizes, patterns, the relation and the background."""


@dataclass(frozen=True)
class Named:
    """How many captions are right, of `captions`.

    Args:
        captions: judged.
        unread: that the grammar cannot read; they count as wrong.
        right: aspect → captions.
    """

    captions: int
    unread: int
    right: Mapping[str, int]

    def share(self, aspect: str) -> float:
        """Of the captions, from 0 to 1."""
        return self.right[aspect] / self.captions if self.captions else 0.0


def named(captions: Mapping[str, str], scenes: Mapping[str, Scene], language: str) -> Named:
    """Judge the caption of each picture.

    Args:
        captions: picture id → what was written; of pictures that `scenes` lacks nothing is said.
        scenes: picture id → what it shows.
        language: of the captions, `"en"` or `"pt-BR"`.
    """
    right: Counter[str] = Counter()
    known = {one: text for one, text in captions.items() if one in scenes}
    unread = 0
    for one, text in known.items():
        claim = read(text, language)
        if claim is None:
            unread += 1
            continue
        right.update(aspect for aspect, holds in verdict(claim, scenes[one]).items() if holds)
    return Named(len(known), unread, {aspect: right[aspect] for aspect in ASPECTS})


def verdict(claim: Claim, scene: Scene) -> dict[str, bool]:
    """Which aspects of a scene a claim tells rightly; a thing more or less is wrong in every one."""
    whole = full(scene)

    def same(*fields: str) -> bool:
        return _seen(claim.groups, fields) == _seen(whole.groups, fields)

    complete = same("kind", "colour", "size", "pattern", "count") and claim.background == scene.background
    told = bool(claim.relation) == bool(whole.relation)
    return {
        "objects": same("kind"),
        "colours": same("kind", "colour"),
        "counts": same("kind", "count"),
        "named": same("kind", "colour", "count"),
        "all": complete and told and bool(truth([claim], [scene])[0, 0]),
    }


def _seen(groups: tuple[Group, ...], fields: tuple[str, ...]) -> Counter[tuple[object, ...]]:
    return Counter(tuple(getattr(group, field) for field in fields) for group in groups)
