"""Re-rankers: a run goes in, a run comes out; only the first `depth` answers of each query change places.

Each module here is one kind, named on the command line as `KIND` or `KIND:ADDRESS`, and provides
`open(address, base) -> Reranker`: `address` is what follows the colon (`""` where nothing does), `base` the encoder
whose run is re-ranked. `chain` lets several follow each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol as Interface
from typing import Self

import numpy as np

from mirante import registry
from mirante.errors import MissingLibrary, ModelError, UsageError
from mirante.progress import track
from mirante.types import Embeddings, Encoder, Pairs, Picture, Run, Vectors

__all__ = ["Candidates", "Collection", "Reranker", "chain", "rerank"]


@dataclass(frozen=True)
class Candidates:
    """One query and the k pictures whose order is open.

    Args:
        text: the query.
        pictures: k pictures, the best of the run first.
        scores: (k,) of the run.
        query: (d,) the base's unit row of the text.
        rows: (k, d) its unit rows of the pictures.
        language: BCP 47 tag of the query, empty where it is not known.
    """

    text: str
    pictures: Sequence[Picture]
    scores: Vectors
    query: Vectors
    rows: Vectors
    language: str = ""


class Reranker(Interface):
    """Gives the candidates of a query new scores."""

    @property
    def name(self) -> str:
        """What made the new order, for the run and the report."""

    def score(self, candidates: Candidates) -> Vectors:
        """(k,) float32, the best one highest; finite."""


@dataclass(frozen=True)
class Collection:
    """What a run is about.

    Args:
        texts: query id → text.
        pictures: document id → picture.
        queries: the base's rows of the texts.
        documents: the base's rows of the pictures.
        languages: query id → BCP 47 tag, where it is known.
    """

    texts: Mapping[str, str]
    pictures: Mapping[str, Picture]
    queries: Embeddings
    documents: Embeddings
    languages: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Pairs, *, texts: Embeddings, images: Embeddings) -> Self:
        """The captions of `pairs` as queries, its pictures as documents, and the base's rows of both."""
        return cls(
            {caption.id: caption.text for caption in pairs.captions},
            {picture.id: picture for picture in pairs.images},
            texts,
            images,
            {caption.id: caption.language for caption in pairs.captions},
        )


def chain(addresses: Sequence[str], base: Encoder) -> tuple[Reranker, ...]:
    """Open the re-rankers `KIND[:ADDRESS]`, in the order in which they follow each other.

    Raises:
        UnknownName: no such kind.
        UsageError: an address is wrong, or the re-ranker was made for another base.
        MissingLibrary: one needs a library that is not installed.
    """
    return tuple(_open(one, base) for one in addresses)


def rerank(run: Run, reranker: Reranker, collection: Collection, *, depth: int = 100) -> Run:
    """Put the first `depth` answers of each query of `run` into the order of `reranker`; what is below stays below.

    Equal scores keep trec_eval's order: the later id first. The new scores of a query are moved up where they would
    not stand above its tail, so that trec_eval, too, reads the answers in the order in which they are listed.

    Args:
        run: text to image.
        reranker: gives new scores.
        collection: texts, pictures and rows of its ids.
        depth: answers whose order is open; what is at most at this rank cannot fall below it.

    Raises:
        UsageError: the depth is less than 1.
        ModelError: a score is not finite.
    """
    if depth < 1:
        raise UsageError(f"The depth of re-ranking must be at least 1, not {depth}.")
    place = {document: at for at, document in enumerate(collection.documents.ids)}
    asked = {query: at for at, query in enumerate(collection.queries.ids)}
    indices, scores = run.indices.copy(), run.scores.copy()
    queries = track(run.queries, f"re-rank with {reranker.name}", total=len(run.queries), unit="queries")
    for row, query in enumerate(queries):
        head = indices[row, :depth][indices[row, :depth] >= 0]
        ids = [run.documents[at] for at in head]
        found = reranker.score(
            Candidates(
                collection.texts[query],
                [collection.pictures[one] for one in ids],
                run.scores[row, : len(head)],
                collection.queries.vectors[asked[query]],
                collection.documents.vectors[[place[one] for one in ids]],
                collection.languages.get(query, ""),
            )
        ).astype(np.float32)
        if found.shape != head.shape or not np.isfinite(found).all():
            raise ModelError(
                f"The re-ranker {reranker.name!r} gave the {len(head)} candidates of the query {query!r} no finite "
                f"scores, one each: {found.tolist()[:5]}."
            )
        order = sorted(range(len(head)), key=lambda at: (found[at], ids[at]), reverse=True)
        indices[row, : len(head)] = head[order]
        listed = [ids[at] for at in order] + [run.documents[at] for at in indices[row, len(head) :][:1] if at >= 0]
        scores[row, : len(listed)] = _falling(found[order], scores[row, len(head) : len(listed)], listed)
    return replace(run, indices=indices, scores=scores, name=f"{run.name}+{reranker.name}")


def _falling(head: Vectors, tail: Vectors, ids: Sequence[str]) -> Vectors:
    """Scores of the `ids`, moved up by one number to stand above the first of the tail, and kept apart there.

    Args:
        head: (k,) new scores, not increasing.
        tail: (1,) the score of the first answer below, or (0,) where there is none.
        ids: of the k answers and of that one; of equal scores, the later id comes first.
    """
    lift = max(0.0, float(tail.max(initial=-np.inf)) - float(head.min(initial=np.inf)))
    scores: list[float] = np.concatenate([head + np.float32(lift), tail]).tolist()
    for at in reversed(range(len(scores) - 1)):
        below, wins = scores[at + 1], ids[at] > ids[at + 1]
        if scores[at] < below or (scores[at] == below and not wins):
            scores[at] = below if wins else float(np.nextafter(np.float32(below), np.float32(np.inf)))
    return np.array(scores, np.float32)


def _open(address: str, base: Encoder) -> Reranker:
    kind, _, rest = address.partition(":")
    module = registry.load(__name__, kind)
    try:
        opened: Reranker = module.open(rest, base)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "mirante"):
            raise
        raise MissingLibrary(library, "torch", f"The re-ranker {kind!r}") from error
    return opened
