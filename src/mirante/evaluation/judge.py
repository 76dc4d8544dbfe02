"""From vectors and relevance to a judged result: every metric with its interval, its protocol and what to draw."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from mirante.errors import ModelMismatch
from mirante.evaluation.examples import examples
from mirante.evaluation.intervals import Bootstrap, estimate
from mirante.evaluation.metrics import hit_rate, metric
from mirante.evaluation.per_query import PerQuery, clusters_of, per_query
from mirante.evaluation.ranking import rank
from mirante.evaluation.ranks import Ranks, ranks_from_run
from mirante.evaluation.similarity import Similarity, edges
from mirante.types import Direction, Embeddings, Estimate, Pairs, Protocol, Provenance, Qrels, Result, Run

METRICS = (
    "hit_rate@1",
    "hit_rate@5",
    "hit_rate@10",
    "recall@1",
    "recall@5",
    "recall@10",
    "mrr",
    "ndcg@10",
    "map",
    "median_rank",
)
CURVE = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Settings:
    """How to judge.

    Args:
        direction: which side asks.
        metrics: names that `mirante.evaluation.metric` knows.
        depth: answers kept per query in the run; the metrics see the whole gallery.
        cutoff: ranks that the metrics see, where not the whole gallery; recorded as the protocol's depth.
        resamples: of the bootstrap, 0 for no intervals.
        seed: of the bootstrap and of the random examples.
        equal_captions: whether captions with the same text share their positives.
        language: of the captions, `""` for all; recorded in the protocol.
        dropped: images left out because they could not be read; recorded in the protocol.
    """

    direction: Direction = "text_to_image"
    metrics: tuple[str, ...] = METRICS
    depth: int = 100
    cutoff: int | None = None
    resamples: int = 1000
    seed: int = 0
    equal_captions: Literal["shared", "as given"] = "shared"
    language: str = ""
    dropped: int = 0


@dataclass(frozen=True)
class Judgement:
    """A result and what it was computed from.

    Args:
        result: metrics, protocol, provenance and what a report draws.
        run: the answers that were judged.
        qrels: the relevance that they were judged by.
        ranks: of every relevant document; `ranks.first` (q,) is the rank of each query's first one.
    """

    result: Result
    run: Run
    qrels: Qrels
    ranks: Ranks

    @property
    def per_query(self) -> PerQuery:
        """The values behind its metrics, query by query."""
        return per_query(self.result, self.ranks, self.qrels)


def evaluate(images: Embeddings, texts: Embeddings, pairs: Pairs, settings: Settings | None = None) -> Judgement:
    """Judge a model's vectors on `pairs`, exactly, over the whole gallery.

    Args:
        images: (n, d) rows, one for every image of `pairs`; others are left aside.
        texts: (m, d) rows, one for every caption of `pairs`; others are left aside.
        pairs: the data and its relevance as given; `settings` says whether equal captions share it.
        settings: direction, metrics, intervals.

    Raises:
        ModelMismatch: images and texts were embedded by different models.
        DataError: an image or caption has no vector, a vector is not finite, or nothing is relevant.
        UnknownName: an unknown metric.
    """
    settings = settings or Settings()
    _same_model(images.provenance, texts.provenance)
    images = images.select(image.id for image in pairs.images)
    texts = texts.select(caption.id for caption in pairs.captions)
    queries, documents = (texts, images) if settings.direction == "text_to_image" else (images, texts)
    qrels, given = _qrels(pairs, settings)
    ranking = rank(queries, documents, qrels=qrels, depth=settings.depth)
    details = _similarity(ranking.similarity) | _as_given(
        lambda given: rank(queries, documents, qrels=given, depth=0).ranks.cut(settings.cutoff), given, settings
    )
    protocol = _protocol(pairs, settings, ranking.ranks, gallery=len(documents.ids))
    return judged(
        ranking.run,
        ranking.ranks.cut(settings.cutoff),
        qrels=qrels,
        pairs=pairs,
        settings=settings,
        protocol=replace(protocol, depth=min(settings.cutoff or protocol.gallery, protocol.gallery)),
        provenance=images.provenance,
        details=details,
    )


def evaluate_run(
    run: Run, pairs: Pairs, settings: Settings | None = None, *, provenance: Provenance, gallery: int | None = None
) -> Judgement:
    """Judge any system's run on `pairs`: a re-ranker's, an approximate index's, one read from a TREC file.

    Relevant documents below the run's depth count as not retrieved; the protocol states that depth.

    Args:
        run: ranked ids, truncated or not.
        pairs: the data and its relevance as given.
        settings: direction, metrics, intervals; `depth` is the run's own.
        provenance: what made the run.
        gallery: number of candidates, by default all of `pairs`.

    Raises:
        DataError: the run holds NaN scores or lists a document twice, or nothing is relevant.
        UnknownName: an unknown metric.
    """
    settings = settings or Settings()
    qrels, given = _qrels(pairs, settings)
    ranks = ranks_from_run(run, qrels)
    candidates = len(pairs.images if settings.direction == "text_to_image" else pairs.captions)
    protocol = _protocol(pairs, settings, ranks, gallery=candidates if gallery is None else gallery)
    return judged(
        run,
        ranks,
        qrels=qrels,
        pairs=pairs,
        settings=settings,
        protocol=replace(protocol, depth=min(run.indices.shape[1], protocol.gallery)),
        provenance=provenance,
        details=_as_given(lambda given: ranks_from_run(run, given), given, settings),
    )


def judged(
    run: Run,
    ranks: Ranks,
    *,
    qrels: Qrels,
    pairs: Pairs,
    settings: Settings,
    protocol: Protocol,
    provenance: Provenance,
    details: Mapping[str, Any],
) -> Judgement:
    """Metrics with intervals, and what a report draws, of ranks that are known; `details` are added to the result's."""
    drawn = {
        "curve": {"k": list(CURVE), "hit_rate": [float(hit_rate(ranks, k).mean()) for k in CURVE]},
        "examples": examples(run, ranks, qrels=qrels, pairs=pairs, seed=settings.seed),
        "unjudged": ranks.unjudged,
        **details,
    }
    metrics = _metrics(ranks, qrels, settings)
    return Judgement(Result(provenance.model, pairs.name, protocol, metrics, provenance, drawn), run, qrels, ranks)


def _same_model(images: Provenance, texts: Provenance) -> None:
    if not images.same_space(texts):
        expected, given = (f"{one.model}@{one.revision} ({one.preprocessing})" for one in (images, texts))
        raise ModelMismatch(expected, given)


def _qrels(pairs: Pairs, settings: Settings) -> tuple[Qrels, Qrels | None]:
    """The relevance to judge by, and the relevance as given where sharing equal captions changed it."""
    given = pairs.qrels(settings.direction)
    if settings.equal_captions == "as given":
        return given, None
    shared = pairs.sharing_equal_captions().qrels(settings.direction)
    return shared, None if shared == given else given


def _protocol(pairs: Pairs, settings: Settings, ranks: Ranks, *, gallery: int) -> Protocol:
    return Protocol(
        data=pairs.name,
        language=settings.language,
        direction=settings.direction,
        gallery=gallery,
        queries=len(ranks.queries),
        captions_per_image=len(pairs.captions) / len(pairs.images),
        equal_captions=settings.equal_captions,
        depth=gallery,
        dropped=settings.dropped,
    )


def _metrics(ranks: Ranks, qrels: Qrels, settings: Settings) -> dict[str, Estimate]:
    """Every metric with its interval."""
    wanted = {name: metric(name) for name in settings.metrics}
    return estimate(
        {name: one.values(ranks) for name, one in wanted.items()},
        clusters_of(ranks.queries, qrels, settings.direction),
        medians=[name for name, one in wanted.items() if one.summary == "median"],
        bootstrap=Bootstrap(settings.resamples, settings.seed),
    )


def _as_given(ranks: Callable[[Qrels], Ranks], given: Qrels | None, settings: Settings) -> dict[str, Any]:
    """The metrics under the relevance as given, where it differs."""
    if given is None:
        return {}
    return {"as_given": {name: asdict(one) for name, one in _metrics(ranks(given), given, settings).items()}}


def _similarity(found: Similarity) -> dict[str, Any]:
    return {
        "similarity": {
            "positive": found.positive,
            "negative": found.negative,
            "modality_gap": found.modality_gap,
        },
        "histogram": {
            "edges": edges(),
            "positive": found.positive_counts.tolist(),
            "negative": found.negative_counts.tolist(),
        },
    }
