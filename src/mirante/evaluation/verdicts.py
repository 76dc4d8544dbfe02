"""Whether re-ranking was worth it: base and re-ranked on the same queries, the best order there is, and the price."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias

from mirante.evaluation.comparison import Comparison
from mirante.evaluation.reordered import RERANKED, is_reranked
from mirante.types import Estimate, Protocol, Result

SHOWN = ("hit_rate@1", "hit_rate@5", "hit_rate@10", "mrr")

LEVEL = 0.05
"""Of the corrected p from which on no difference was shown, whatever the interval says."""

Word: TypeAlias = Literal["helps", "hurts", "no difference shown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One chain of re-rankers on the answers of one model.

    Args:
        model: the base.
        reranked: the name of its re-ranked result.
        chain: names of the re-rankers, in the order in which they followed each other.
        depth: answers of a query whose order was open, k.
        protocol: the conditions, the same for both.
        metric: what decides: `leading(protocol)`.
        base: metric → estimate, of the base.
        after: the same, re-ranked.
        ceiling: the same, as the best order of the first k would have it; `hit_rate@1` can reach the base's R@k.
        difference: mean over queries of `after` less `base` by `metric`.
        low: lower end of its 95 % interval, by the paired bootstrap, clustered by image.
        high: upper end.
        p: two-sided, of the randomisation test.
        p_holm: `p` corrected for all pairs of models of this metric and protocol.
        smallest_difference: what the sample finds with 80 % power.
        queries: number of queries.
        clusters: number of images behind them.
        candidates: mean number of answers that were re-ranked for a query.
        seconds_per_query: wall clock of re-ranking alone, reading of pictures included.
        device: what it ran on.
        usd_per_hour: price of that machine, None where it is not known.
    """

    model: str
    reranked: str
    chain: tuple[str, ...]
    depth: int
    protocol: Protocol
    metric: str
    base: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    ceiling: Mapping[str, float]
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    smallest_difference: float
    queries: int
    clusters: int
    candidates: float
    seconds_per_query: float
    device: str
    usd_per_hour: float | None = None

    @property
    def word(self) -> Word:
        """What interval and test say together: where few queries changed, one of them alone may be chance."""
        if self.p_holm >= LEVEL:
            return "no difference shown"
        return "helps" if self.low > 0 else "hurts" if self.high < 0 else "no difference shown"

    @property
    def milliseconds_per_query(self) -> float:
        """What a query waits for re-ranking."""
        return 1000 * self.seconds_per_query

    @property
    def usd_per_1000_queries(self) -> float | None:
        """The price of re-ranking 1,000 queries."""
        return None if self.usd_per_hour is None else 1000 * self.seconds_per_query * self.usd_per_hour / 3600

    @property
    def points_per_second(self) -> Estimate | None:
        """Points gained for each second that a query takes; None where it took no time that a clock can tell."""
        if not self.seconds_per_query > 0:
            return None
        return Estimate(*(100 * one / self.seconds_per_query for one in (self.difference, self.low, self.high)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, what follows from the fields included."""
        gain = self.points_per_second
        return {
            **asdict(self),
            "chain": list(self.chain),
            "word": self.word,
            "milliseconds_per_query": self.milliseconds_per_query,
            "usd_per_1000_queries": self.usd_per_1000_queries,
            "points_per_second": gain and asdict(gain),
        }


def leading(protocol: Protocol) -> str:
    """What says most: `hit_rate@1`, or `map` where a text describes several images, as names of classes do."""
    many = protocol.direction == "text_to_image" and protocol.queries < protocol.gallery
    return "map" if many else "hit_rate@1"


def verdicts(results: Sequence[Result], comparisons: Sequence[Comparison]) -> tuple[Verdict, ...]:
    """One verdict for each re-ranked result whose base is among the `results` and was compared with it.

    Args:
        results: bases and re-ranked ones, of any protocols.
        comparisons: of the models of each protocol.
    """
    base = {(one.protocol, one.model): one for one in results if not is_reranked(one)}
    told = {(one.protocol, one.metric, frozenset((one.first, one.second))): one for one in comparisons}
    found = []
    for after in results:
        if is_reranked(after):
            before = base.get((after.protocol, after.details[RERANKED]["base"]))
            key = after.protocol, leading(after.protocol), frozenset((before.model, after.model) if before else ())
            if before and key in told:
                found.append(_verdict(before, after, told[key]))
    return tuple(found)


def verdict(plain: Mapping[str, Any]) -> Verdict:
    """From the plain values that `Verdict.to_dict` gives."""
    known = {one.name: plain[one.name] for one in fields(Verdict)}
    metrics = {side: {name: Estimate(**one) for name, one in plain[side].items()} for side in ("base", "after")}
    protocol = Protocol(**plain["protocol"])
    return Verdict(**{**known, **metrics, "chain": tuple(plain["chain"]), "protocol": protocol})


def _verdict(before: Result, after: Result, compared: Comparison) -> Verdict:
    told = after.details[RERANKED]
    paired = compared if compared.first == after.model else compared.turned()
    shown = [name for name in (*SHOWN, paired.metric) if name in after.metrics]
    return Verdict(
        model=before.model,
        reranked=after.model,
        chain=tuple(told["chain"]),
        depth=told["depth"],
        protocol=after.protocol,
        metric=paired.metric,
        base={name: before.metrics[name] for name in shown},
        after={name: after.metrics[name] for name in shown},
        ceiling={name: told["ceiling"][name] for name in shown},
        difference=paired.difference + 0.0,  # never −0.0
        low=paired.low,
        high=paired.high,
        p=paired.p,
        p_holm=paired.p_holm,
        smallest_difference=paired.smallest_difference,
        queries=paired.queries,
        clusters=paired.clusters,
        candidates=told["candidates"],
        seconds_per_query=told["seconds_per_query"],
        device=told["device"],
        usd_per_hour=told["usd_per_hour"],
    )
