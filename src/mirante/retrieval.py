"""Find in a gallery and look again: vectors choose, re-rankers put the first answers into a new order, both ranks told.

The order of re-ranking is `mirante.rerankers.rerank`'s, one query at a time; pictures are read when a re-ranker looks
at them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, overload

import numpy as np
from PIL.Image import Image

from mirante import pixels
from mirante.errors import UnreadableImage, UsageError
from mirante.rerankers import Collection, Reranker, rerank
from mirante.search import Gallery, Hit, compose, compose_each, nothing_matches, search_each, search_vector
from mirante.search.gallery import require_same_space
from mirante.types import Dataset, Embeddings, Encoder, Picture, Query, Run, Vectors

__all__ = ["Found", "Pictures", "Retrieval", "picture_of", "pictures_of", "retrieve", "retrieve_each", "text_of"]

Pictures: TypeAlias = Callable[[Hit], Image | None]
"""Loads the picture of a hit; None where it has none, and the hit's path is read then."""

DEPTH = 20
"""Answers that are looked at again, where nothing else is said: few, as somebody waits."""
_QUERY = "query"


@dataclass(frozen=True, slots=True)
class Found:
    """One answer.

    Args:
        hit: the entry, with the score and relevance of the first stage.
        before: its rank by vectors, from 1.
        rank: its rank at last, from 1.
    """

    hit: Hit
    before: int
    rank: int


@dataclass(frozen=True)
class Retrieval(Sequence[Found]):
    """The answers, best first.

    Args:
        found: at most k of them.
        nothing_matches: whether even the best of the first stage was improbable; None where that is not calibrated.
    """

    found: tuple[Found, ...]
    nothing_matches: bool | None = field(default=None)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The entries in their last order."""
        return tuple(one.hit for one in self.found)

    @overload
    def __getitem__(self, at: int) -> Found: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Found, ...]: ...
    def __getitem__(self, at: int | slice) -> Found | tuple[Found, ...]:
        return self.found[at]

    def __len__(self) -> int:
        return len(self.found)


def retrieve(
    gallery: Gallery,
    encoder: Encoder,
    query: Query,
    k: int = 10,
    *,
    rerankers: Sequence[Reranker] = (),
    depth: int = DEPTH,
    pictures: Pictures | None = None,
    vector: Vectors | None = None,
) -> Retrieval:
    """The k best entries of `gallery` for `query`, the first `depth` of them in the order of the re-rankers.

    Where nothing matches, nothing is looked at again: the first stage's order stays.

    Args:
        gallery: made by the model of `encoder`.
        encoder: embeds the query.
        query: of one text, where there are re-rankers.
        k: at most how many.
        rerankers: in their order, each on what the one before left; see `mirante.rerankers.chain`.
        depth: answers whose order is open; what is below stays below.
        pictures: loads them for re-rankers; without it, and where it gives None, they are read from a hit's path.
        vector: (d,) of the query where it is composed already.

    Raises:
        ModelMismatch: another model made the gallery.
        UnknownName: the query filters on a field that no entry has.
        UsageError: k or depth is below 1, or the query cannot be re-ranked.
        UnreadableImage: a re-ranker looks at a picture that cannot be read.
        ModelError: a re-ranker's scores are not finite.
    """
    require_same_space(gallery.provenance, encoder.provenance)
    text = text_of(query, gallery) if rerankers else ""
    if depth < 1:
        raise UsageError(f"The depth of re-ranking must be at least 1, not {depth}: try {DEPTH}.")
    vector = compose(query, encoder) if vector is None else vector
    hits = search_vector(gallery, vector, query, max(k, depth) if rerankers and k >= 1 else k)
    first = _first_stage(gallery, hits)
    if rerankers and first.found and not first.nothing_matches:
        asked = Embeddings((_QUERY,), vector[np.newaxis], encoder.provenance)
        found = _reordered(first.found, gallery, text, asked, rerankers=rerankers, depth=depth, pictures=pictures)
        first = replace(first, found=found)
    return replace(first, found=first.found[:k])


def retrieve_each(gallery: Gallery, encoder: Encoder, queries: Sequence[Query], k: int = 10) -> list[Retrieval]:
    """What `retrieve` gives for each query, without re-rankers: one call of the model, one of the index for a filter.

    Raises:
        ModelMismatch, UnknownName, UsageError: see `retrieve`; for any of the queries.
    """
    require_same_space(gallery.provenance, encoder.provenance)
    return [_first_stage(gallery, hits) for hits in search_each(gallery, compose_each(queries, encoder), queries, k)]


def text_of(query: Query, gallery: Gallery) -> str:
    """The one text that re-rankers read.

    Raises:
        UsageError: the query is more or other than one text, or the gallery holds texts.
    """
    (first, *others), texts = query.terms or (None,), gallery.holds == "texts"
    if first is None or others or first.text is None or first.weight <= 0 or texts:
        what = "a gallery of texts" if texts else f"a query of {len(query.terms)} terms or without a text"
        raise UsageError(f"Re-ranking reads one text and looks at pictures, not {what}: search without --rerank.")
    return first.text


def pictures_of(dataset: Dataset) -> Pictures:
    """Loads pictures by id from a data set: for galleries whose entries have no path."""
    known = {item.picture.id: item.picture for split in dataset.splits for item in dataset.items(split)}
    return lambda hit: known[hit.id].load() if hit.id in known else None


def picture_of(hit: Hit, state: str, pictures: Pictures | None = None) -> Picture:
    """The picture of a hit; what is wrong with it is said when it is loaded.

    Args:
        hit: the answer.
        state: names the gallery as it is now, so that a picture that was replaced is not taken for the old one.
        pictures: loads it; its path is read where this gives None.
    """

    def load() -> Image:
        image = pictures(hit) if pictures else None
        if image is None and hit.path is None:
            raise UnreadableImage("missing", f"{hit.id!r} has no file: say where its picture is, with --pictures DATA")
        return pixels.read_file(hit.path or "") if image is None else image

    return Picture(hit.id, f"{state}/{hit.id}", load, hit.metadata, hit.path)


def _first_stage(gallery: Gallery, hits: Sequence[Hit]) -> Retrieval:
    return Retrieval(tuple(Found(hit, at, at) for at, hit in enumerate(hits, 1)), nothing_matches(gallery, hits))


def _reordered(
    found: tuple[Found, ...],
    gallery: Gallery,
    text: str,
    asked: Embeddings,
    *,
    rerankers: Sequence[Reranker],
    depth: int,
    pictures: Pictures | None,
) -> tuple[Found, ...]:
    """All of `found`, the first `depth` in a new order; what was deleted meanwhile is left out."""
    rows = gallery.embeddings(one.hit.id for one in found[:depth])
    found = tuple(one for one in found[:depth] if one.hit.id in rows.ids) + found[depth:]
    state = f"{gallery.folder}/{gallery.manifest.generation}"
    shown = {one.hit.id: picture_of(one.hit, state, pictures) for one in found[: len(rows.ids)]}
    collection = Collection({_QUERY: text}, shown, asked, rows)
    scores = np.array([[one.hit.score for one in found]], np.float32)
    run = Run((_QUERY,), tuple(one.hit.id for one in found), np.arange(len(found), dtype=np.int32)[np.newaxis], scores)
    for one in rerankers if rows.ids else ():
        run = rerank(run, one, collection, depth=len(rows.ids))
    order: list[int] = run.indices[0].tolist()
    return tuple(Found(found[at].hit, found[at].before, rank) for rank, at in enumerate(order, 1))
