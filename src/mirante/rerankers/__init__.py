"""Re-rankers: a run goes in, a run comes out; only the first `depth` answers of each query change places.

Each module here is one kind, named on the command line as `KIND` or `KIND:ADDRESS`, and provides
`open(address, base) -> Reranker`: `address` is what follows the colon (`""` where nothing does), `base` the encoder
whose run is re-ranked. `chain` lets several follow each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol as Interface

import numpy as np

from mirante import registry
from mirante.errors import MissingLibrary, ModelError, UsageError
from mirante.progress import track
from mirante.types import Embeddings, Encoder, Picture, Run, Vectors

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
    """

    text: str
    pictures: Sequence[Picture]
    scores: Vectors
    query: Vectors
    rows: Vectors


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
    """

    texts: Mapping[str, str]
    pictures: Mapping[str, Picture]
    queries: Embeddings
    documents: Embeddings


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

    Equal scores keep trec_eval's order: the later id first. The new scores are moved by one number per query, so that
    none is lower than those of the tail.

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
    for row, query in enumerate(track(run.queries, f"re-rank with {reranker.name}", unit="queries")):
        head = indices[row, :depth][indices[row, :depth] >= 0]
        ids = [run.documents[at] for at in head]
        found = reranker.score(
            Candidates(
                collection.texts[query],
                [collection.pictures[one] for one in ids],
                run.scores[row, : len(head)],
                collection.queries.vectors[asked[query]],
                collection.documents.vectors[[place[one] for one in ids]],
            )
        ).astype(np.float32)
        if found.shape != head.shape or not np.isfinite(found).all():
            raise ModelError(
                f"The re-ranker {reranker.name!r} gave the {len(head)} candidates of the query {query!r} no finite "
                f"scores, one each: {found.tolist()[:5]}."
            )
        order = sorted(range(len(head)), key=lambda at: (found[at], ids[at]), reverse=True)
        indices[row, : len(head)] = head[order]
        scores[row, : len(head)] = _above(found[order], scores[row, len(head) :])
    return replace(run, indices=indices, scores=scores, name=f"{run.name}+{reranker.name}")


def _above(head: Vectors, tail: Vectors) -> Vectors:
    """The scores of the head, moved so that the lowest is not below the tail's highest."""
    highest = tail.max(initial=-np.inf)
    lift = highest - head.min(initial=np.inf)
    return np.maximum(head + np.float32(lift), highest) if np.isfinite(lift) and lift > 0 else head


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
