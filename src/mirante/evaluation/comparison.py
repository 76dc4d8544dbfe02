"""Two models on the same queries: how far apart they are, how sure that is, and what this sample could have shown.

Each query is judged under both models, so what counts is the difference per query, summed within a cluster (the
captions of an image). A median has no mean per query, and medians of whole ranks are too coarse to test: compare `mrr`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from mirante.errors import DataError, UnknownName
from mirante.evaluation.clusters import Clusters
from mirante.evaluation.intervals import Bootstrap, interval
from mirante.evaluation.per_query import PerQuery
from mirante.evaluation.resampling import resample
from mirante.evaluation.significance import LEVEL, centred, holm, randomisation, smallest_difference
from mirante.types import Protocol

FLIPS = 10_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models by one metric on the same queries; `significance` says how the tests work.

    Args:
        metric: its name.
        first: the model with the greater value, where they differ.
        second: the other model.
        protocol: the conditions, the same for both.
        difference: mean over queries of `first` less `second`.
        low: lower end of its 95 % interval, by the paired bootstrap: both models see the same draws.
        high: upper end.
        p: two-sided, of the randomisation test by sign flips of whole clusters.
        p_bootstrap: two-sided, of the paired bootstrap; 1 where nothing was resampled.
        p_holm: `p` corrected for all pairs of this metric and protocol.
        smallest_difference: a true difference of this size is found with 80 % power by an uncorrected test at 5 %.
        queries: number of queries that both answered.
        clusters: number of images behind them.
    """

    metric: str
    first: str
    second: str
    protocol: Protocol
    difference: float
    low: float
    high: float
    p: float
    p_bootstrap: float
    p_holm: float
    smallest_difference: float
    queries: int
    clusters: int

    @property
    def told_apart(self) -> bool:
        """Whether the corrected test separates the two at 5 %."""
        return self.p_holm <= LEVEL

    def turned(self) -> "Comparison":
        """The same with the models exchanged."""
        return replace(
            self, first=self.second, second=self.first, difference=-self.difference, low=-self.high, high=-self.low
        )


def compare(
    models: Sequence[PerQuery], *, bootstrap: Bootstrap | None = None, flips: int = FLIPS
) -> tuple[Comparison, ...]:
    """Compare every pair of models of one protocol by every metric, Holm-corrected over the pairs of each metric.

    Args:
        models: at least two for a comparison; fewer give none.
        bootstrap: settings of the intervals; its seed also draws the signs.
        flips: random signs of the randomisation test; the smallest p is one over one more.

    Returns:
        Metric by metric, and within one in the order of the pairs.

    Raises:
        DataError: the models were measured under two protocols or on different queries.
        UnknownName: a model lacks a metric of the first one.
    """
    bootstrap, pairs = bootstrap or Bootstrap(), list(combinations(models, 2))
    for pair in pairs:
        _check(*pair)
    if not pairs:
        return ()
    metrics, clusters = tuple(models[0].values), Clusters.of(models[0].clusters)
    columns = {
        f"{metric} {at}": one.values[metric] - other.values[metric]
        for metric in metrics
        for at, (one, other) in enumerate(pairs)
    }
    drawn = resample(columns, clusters, resamples=bootstrap.resamples, seed=bootstrap.seed)
    chances = randomisation(list(columns.values()), clusters, flips=flips, seed=bootstrap.seed)
    corrected = [p for at in range(0, len(chances), len(pairs)) for p in holm(chances[at : at + len(pairs)])]
    found = []
    for at, (key, sample) in enumerate(drawn.items()):
        one, other = pairs[at % len(pairs)]
        ends = interval(sample, bootstrap, (-1.0, 1.0))
        comparison = Comparison(
            metric=metrics[at // len(pairs)],
            first=one.model,
            second=other.model,
            protocol=one.protocol,
            difference=sample.value,
            low=ends.low,
            high=ends.high,
            p=chances[at],
            p_bootstrap=centred(sample.draws, sample.value),
            p_holm=corrected[at],
            smallest_difference=smallest_difference(columns[key], clusters),
            queries=len(one.queries),
            clusters=len(clusters),
        )
        found.append(comparison.turned() if sample.value < 0 else comparison)
    return tuple(found)


def compare_all(
    models: Iterable[PerQuery], *, bootstrap: Bootstrap | None = None, flips: int = FLIPS
) -> tuple[Comparison, ...]:
    """Compare, within each protocol, the models that answered the same queries; see `compare`."""
    groups: dict[tuple[Protocol, tuple[str, ...]], list[PerQuery]] = {}
    for one in models:
        groups.setdefault((one.protocol, one.queries), []).append(one)
    return tuple(found for group in groups.values() for found in compare(group, bootstrap=bootstrap, flips=flips))


def _check(one: PerQuery, other: PerQuery) -> None:
    if one.protocol != other.protocol:
        raise DataError(
            f"{one.model!r} and {other.model!r} were measured under two protocols: {one.protocol} and "
            f"{other.protocol}. Compare under one; `mirante rescore` brings a saved result under another."
        )
    if (one.queries, one.clusters) != (other.queries, other.clusters):
        raise DataError(
            f"{one.model!r} answered {len(one.queries)} queries and {other.model!r} {len(other.queries)}, not the same "
            "ones: evaluate both on the same data."
        )
    for metric in one.values:
        if metric not in other.values:
            raise UnknownName(f"metric of {other.model!r}", metric, other.values)
