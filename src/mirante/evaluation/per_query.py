"""One value per query and metric, and the image behind each query: what intervals and comparisons are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mirante.evaluation.clusters import Values
from mirante.evaluation.metrics import metric
from mirante.evaluation.ranks import Ranks
from mirante.types import Direction, Protocol, Qrels, Result


@dataclass(frozen=True)
class PerQuery:
    """One model's values, query by query.

    Args:
        model: its name.
        protocol: the conditions.
        queries: q ids.
        clusters: q names, the image behind each query.
        values: metric → (q,) one value per query.
    """

    model: str
    protocol: Protocol
    queries: tuple[str, ...]
    clusters: tuple[str, ...]
    values: Mapping[str, Values]


def per_query(result: Result, ranks: Ranks, qrels: Qrels) -> PerQuery:
    """The values behind every metric of `result` that is a mean.

    Args:
        result: a result.
        ranks: of the relevant documents of its queries, as `Judgement.ranks` or `SavedResults.ranks` have them.
        qrels: the relevance that it was judged by.
    """
    wanted = {name: one for name in result.metrics if (one := metric(name)).summary == "mean"}
    clusters = clusters_of(ranks.queries, qrels, result.direction)
    values = {name: one.values(ranks) for name, one in wanted.items()}
    return PerQuery(result.model, result.protocol, ranks.queries, clusters, values)


def clusters_of(queries: Sequence[str], qrels: Qrels, direction: Direction) -> tuple[str, ...]:
    """The image behind each query: a text belongs to its first relevant image, an image to itself."""
    if direction == "image_to_text":
        return tuple(queries)
    return tuple(min(qrels.grades[query]) for query in queries)
