"""Re-rank what a model answered, with a clock beside it, and judge it as the model itself was judged."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from mirante import rerankers
from mirante.environment import device_of
from mirante.errors import UsageError
from mirante.evaluation import Judgement, Reranking, reordered
from mirante.rerankers import Reranker
from mirante.types import Embeddings, Encoder, Pairs


@dataclass(frozen=True)
class Chain:
    """Re-rankers that follow each other, each on the run that the one before left.

    Args:
        rerankers: in their order; none leaves everything as it is.
        depth: answers of each query whose order is open.
        device: what their base runs on.
        usd_per_hour: price of that machine, None where it is not known.
    """

    rerankers: tuple[Reranker, ...] = field(default=())
    depth: int = 0
    device: str = ""
    usd_per_hour: float | None = None


def open_chain(addresses: Sequence[str], base: Encoder, *, depth: int = 100, usd_per_hour: float = 0.0) -> Chain:
    """Open the re-rankers `KIND[:ADDRESS]` for a base, before anything is embedded.

    Raises:
        UnknownName: no such kind.
        UsageError: the depth is less than 1, an address is wrong, or a re-ranker was made for another base.
        MissingLibrary: one needs a library that is not installed.
    """
    if depth < 1:
        raise UsageError(f"The depth of re-ranking must be at least 1, not {depth}: try 100.")
    if not addresses:
        return Chain()
    return Chain(rerankers.chain(addresses, base), depth, device_of(base), usd_per_hour or None)


def rerank_all(
    judged: Sequence[Judgement], chain: Chain, pairs: Pairs, *, images: Embeddings, texts: Embeddings
) -> list[Judgement]:
    """Every judgement from text to image once more, re-ranked; nothing where the chain is empty.

    Args:
        judged: of one model, with runs of at least `chain.depth` answers.
        chain: opened for that model.
        pairs: the data, with pictures that can be loaded.
        images: rows of the pictures that were judged.
        texts: rows of the captions.

    Raises:
        DataError: a query is asked in several folds, or a picture cannot be read any more.
        ModelError: a re-ranker gives scores that are not finite.
    """
    collection = rerankers.Collection.of(pairs, texts=texts, images=images)
    asked = [one for one in judged if one.result.direction == "text_to_image"] if chain.rerankers else []
    return [_reranked(one, chain, collection, pairs) for one in asked]


def _reranked(base: Judgement, chain: Chain, collection: rerankers.Collection, pairs: Pairs) -> Judgement:
    run, start = base.run, time.perf_counter()
    for one in chain.rerankers:
        run = rerankers.rerank(run, one, collection, depth=chain.depth)
    seconds = time.perf_counter() - start
    how = Reranking(
        chain=tuple(one.name for one in chain.rerankers),
        depth=chain.depth,
        seconds_per_query=seconds / len(run.queries),
        device=chain.device,
        usd_per_hour=chain.usd_per_hour,
    )
    return reordered(base, run, pairs=pairs, how=how)
