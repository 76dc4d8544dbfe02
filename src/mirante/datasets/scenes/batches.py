"""Training batches that know what is true: full captions, partial ones, bare nouns, minimal partners."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.batch import Batch
from mirante.datasets.scenes import claims, grammar
from mirante.datasets.scenes.claims import Claim, Group
from mirante.datasets.scenes.world import MAX_COUNT, RELATIONS, SWAPS, Scene, opposite, swap
from mirante.types import Picture

FalseCaptions: TypeAlias = Literal["partners", "swaps", "hard", "sides"]

_SIDED = 24
"""Pairs of a batch that are told in every relation."""


@dataclass(frozen=True)
class SceneBatches:
    """Batches of scenes: T texts for B pictures, with the exact truth of every text for every picture.

    Args:
        scenes: what the pictures show.
        pictures: the same scenes as pictures.
        language: of the texts.
        partials: partial captions per picture.
        partner: (n,) row of the minimal partner of each scene, −1 where it has none.
        false_captions: full captions that are false of their picture: none but those that minimal partners bring
            along, and no bare nouns either (`"partners"`), one exchange in each pair too (`"swaps"`), or also sides
            exchanged in every pair and another count of everything else (`"hard"`), or also the bare kinds of some
            pairs in every relation (`"sides"`).
    """

    scenes: Sequence[Scene]
    pictures: Sequence[Picture]
    language: str
    partials: int
    partner: NDArray[np.int64]
    false_captions: FalseCaptions = "swaps"

    def draw(self, step: int, size: int, *, seed: int) -> Batch:
        """The batch of `step`: `size` pictures at random; a picture with a partner brings it along."""
        rng = np.random.default_rng((seed, step))
        rows = self._rows(rng, size)
        shown = [self.scenes[row] for row in rows]
        whole = [claims.full(scene) for scene in shown]
        wrong = [claim for scene in shown for claim in _false(scene, rng, self.false_captions)]
        named = [] if self.false_captions == "partners" else [group.kind for claim in whole for group in claim.groups]
        noun = [Claim((Group(kind, count=None),)) for kind in named]
        part = [claims.partial(scene, rng) for scene in shown for _ in range(self.partials)]
        side = _sides(shown) if self.false_captions == "sides" else []
        told, texts = _distinct([*whole, *wrong, *noun, *side, *part], self.language, rng)
        roles = (
            dict.fromkeys(part, "partial")
            | dict.fromkeys(side, "side")
            | dict.fromkeys(noun, "noun")
            | dict.fromkeys([*whole, *wrong], "full")
        )
        return Batch(
            np.array(rows, dtype=np.int64),
            texts,
            np.argwhere(claims.truth(told, shown)),
            np.array([roles[claim] for claim in told]),
        )

    def _rows(self, rng: np.random.Generator, size: int) -> list[int]:
        rows: dict[int, None] = {}
        for row in rng.permutation(len(self.scenes))[:size].tolist():
            rows[row] = None
            if self.partner[row] >= 0:
                rows[int(self.partner[row])] = None
            if len(rows) >= size:
                break
        return list(rows)[:size]


def with_partners(scenes: Sequence[Scene], share: float) -> tuple[list[Scene], NDArray[np.int64]]:
    """Add the minimal partner of `share` of the pairs → the longer list and each scene's partner row or −1."""
    longer, partner = list(scenes), [-1] * len(scenes)
    for row, scene in enumerate(scenes):
        rng = np.random.default_rng((scene.seed, 1))
        other = _other(scene, rng) if rng.random() < share else None
        if other is not None:
            partner[row] = len(longer)
            longer.append(other)
            partner.append(row)
    return longer, np.array(partner, dtype=np.int64)


def _false(scene: Scene, rng: np.random.Generator, which: FalseCaptions) -> list[Claim]:
    if which == "partners":
        return []
    other = _other(scene, rng)
    told = [claims.full(other)] if other else []
    if which == "swaps":
        return told
    if scene.is_pair:
        return [*told, replace(claims.full(scene), relation=opposite(scene.relation))]
    group = claims.full(scene).groups[0]
    counts = [count for count in range(1, MAX_COUNT + 1) if count != group.count]
    chosen = rng.choice(counts, 2, replace=False).tolist()
    return [Claim((replace(group, count=count),), None, scene.background) for count in chosen]


def _sides(shown: Sequence[Scene]) -> list[Claim]:
    """Bare kinds in all four relations, one of them true, for the first pairs."""
    pairs = [scene for scene in shown if scene.is_pair][:_SIDED]
    kinds = [tuple(Group(thing.kind) for thing in scene.things) for scene in pairs]
    return [Claim(groups, relation) for groups in kinds for relation in RELATIONS]


def _other(scene: Scene, rng: np.random.Generator) -> Scene | None:
    return swap(scene, SWAPS[int(rng.integers(len(SWAPS)))])


def _distinct(told: Sequence[Claim], language: str, rng: np.random.Generator) -> tuple[list[Claim], tuple[str, ...]]:
    """Each claim once, each text once, in a random wording."""
    texts: dict[str, Claim] = {}
    for claim in dict.fromkeys(told):
        texts.setdefault(grammar.say(claim, language, grammar.wording(rng)), claim)
    return list(texts.values()), tuple(texts)
