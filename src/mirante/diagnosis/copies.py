"""Which pictures are copies of which: candidates by hash or by a model's vectors, each confirmed by its pixels."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TypeAlias

import numpy as np

from mirante.diagnosis.confirmation import copies
from mirante.diagnosis.fingerprints import Fingerprints
from mirante.diagnosis.hashing import hashes, neighbours
from mirante.indexes import create_index
from mirante.progress import track
from mirante.types import Embeddings

Places: TypeAlias = tuple[int, int]
Ids: TypeAlias = tuple[str, str]

ALIKE = 0.9
"""Cosine from which a model's neighbours are looked at more closely."""

_NEIGHBOURS = 5
_PAIRS = 1024


def copies_within(pictures: Fingerprints, images: Embeddings | None = None) -> tuple[Ids, ...]:
    """Pairs of pictures of one set that are copies of each other, equal contents left aside.

    Args:
        pictures: the set.
        images: vectors of its pictures, which add neighbours that the hash may overlook.
    """
    hashed = hashes(pictures.thumbnails)
    near = _by_vectors(pictures, pictures, (images, images)) if images else ()
    candidates = chain(neighbours(hashed, hashed, itself=True), near)
    unequal = ((min(pair), max(pair)) for pair in candidates if pair[0] != pair[1])
    return _confirmed(unequal, pictures, pictures)


def copies_between(
    asked: Fingerprints, known: Fingerprints, vectors: tuple[Embeddings, Embeddings] | None = None
) -> tuple[Ids, ...]:
    """Pairs (asked, known) of pictures of two sets that are copies of each other, equal contents among them.

    Args:
        asked: the pictures that are measured, say.
        known: the pictures that were learnt from.
        vectors: of both, made by one model, which add neighbours that the hash may overlook.
    """
    near = _by_vectors(asked, known, vectors) if vectors else ()
    candidates = chain(neighbours(hashes(asked.thumbnails), hashes(known.thumbnails)), near)
    return _confirmed(candidates, asked, known)


def groups(pairs: Iterable[Ids]) -> tuple[tuple[str, ...], ...]:
    """Ids that hang together by pairs, the largest group first."""
    stands: dict[str, str] = {}

    def root(one: str) -> str:
        while stands.setdefault(one, one) != one:
            stands[one] = one = stands[stands[one]]
        return one

    for first, second in pairs:
        stands[root(second)] = root(first)
    found: dict[str, list[str]] = {}
    for one in stands:
        found.setdefault(root(one), []).append(one)
    return tuple(tuple(group) for group in sorted(found.values(), key=len, reverse=True))


def _confirmed(candidates: Iterable[Places], first: Fingerprints, second: Fingerprints) -> tuple[Ids, ...]:
    """The candidates that are copies, in the order of the first set."""
    found: dict[Places, None] = {}
    seen: set[Places] = set()
    rest = track(iter(candidates), "near copies", unit="candidates")
    while block := list(islice(rest, _PAIRS)):
        fresh = [pair for pair in dict.fromkeys(block) if pair not in seen]
        seen.update(fresh)
        if not fresh:
            continue
        mine, theirs = np.array(fresh).T
        alike = copies(first.thumbnails[mine], second.thumbnails[theirs])
        found.update(dict.fromkeys(pair for pair, copy in zip(fresh, alike, strict=True) if copy))
    return tuple((first.ids[one], second.ids[other]) for one, other in sorted(found))


def _by_vectors(
    asked: Fingerprints, known: Fingerprints, vectors: tuple[Embeddings, Embeddings] | tuple[Embeddings, None]
) -> Iterator[Places]:
    """Numbers of pictures whose vectors have a cosine of at least `ALIKE`, the nearest few of each."""
    mine, theirs = vectors[0], vectors[1] or vectors[0]
    place = {one: number for number, one in enumerate(asked.ids)}
    there = {one: number for number, one in enumerate(known.ids)}
    rows = [number for number, one in enumerate(mine.ids) if one in place]
    index = create_index("exact", theirs.vectors.shape[1])
    index.add(theirs.ids, theirs.vectors)
    answers, scores = index.search(mine.vectors[rows], _NEIGHBOURS, there.keys())
    for row, found, near in zip(rows, answers, scores, strict=True):
        for one, score in zip(found, near.tolist(), strict=False):
            if score >= ALIKE:
                yield place[mine.ids[row]], there[one]
