"""One table per protocol: models × metrics, each value with its interval, the best marked only where it is one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mirante.report.voice import Voice
from mirante.types import TIE_RULE, Estimate, Protocol

FAMILIES = ("hit_rate", "recall", "mrr", "ndcg", "map", "median_rank")
LOWER_IS_BETTER = frozenset({"median_rank"})

Mark: TypeAlias = Literal["", "best", "tied"]
Measured: TypeAlias = Sequence[tuple[str, Mapping[str, Estimate]]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as written: `65.2%`, its interval `61.0–69.3` or nothing, and its mark."""

    metric: str
    value: str
    interval: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of one metric family: its name and the `@K` of each column, `""` where it has none."""

    name: str
    cutoffs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Models measured under one protocol.

    Args:
        groups: column groups, left to right.
        rows: model and its cells, in the order of the columns.
        protocol: the conditions, as sentences.
    """

    groups: tuple[Group, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    protocol: tuple[str, ...]

    @property
    def marked(self) -> bool:
        """Whether any cell carries a mark that needs explaining."""
        return any(cell.mark for _, cells in self.rows for cell in cells)


def table(measured: Measured, protocol: Protocol, voice: Voice, *, unjudged: int = 0) -> Table:
    """Lay out `measured` (model, metric → estimate) that share `protocol`; `unjudged` queries were left out."""
    columns = sorted({metric for _, metrics in measured for metric in metrics}, key=_order)
    nothing = Estimate(math.nan, math.nan, math.nan)
    estimates = {metric: [metrics.get(metric, nothing) for _, metrics in measured] for metric in columns}
    marks = {metric: mark(metric, estimates[metric]) for metric in columns}
    rows = tuple(
        (model, tuple(_cell(metric, estimates[metric][at], marks[metric][at], voice) for metric in columns))
        for at, (model, _) in enumerate(measured)
    )
    left_out = (voice.say("protocol_unjudged", count=voice.number(unjudged)),) if unjudged else ()
    return Table(_groups(columns, voice), rows, (*protocol_words(protocol, voice), *left_out))


def mark(metric: str, estimates: Sequence[Estimate]) -> list[Mark]:
    """Mark the leader `best` when its interval overlaps no other; else it and those it overlaps are `tied`.

    Where neither the leader nor its nearest rival has an interval, nothing is claimed.
    """
    marks: list[Mark] = [""] * len(estimates)
    down = metric in LOWER_IS_BETTER
    measured = [i for i, one in enumerate(estimates) if math.isfinite(one.value) or (down and one.value == math.inf)]
    present = sorted(measured, key=lambda i: estimates[i].value if down else -estimates[i].value)
    if len(present) < 2:
        return marks
    leader, second = estimates[present[0]], estimates[present[1]]
    if not (leader.low < leader.high or second.low < second.high):
        return marks
    tied = [i for i in present[1:] if overlap(leader, estimates[i])]
    for i in tied:
        marks[i] = "tied"
    marks[present[0]] = "tied" if tied else "best"
    return marks


def overlap(one: Estimate, other: Estimate) -> bool:
    """Whether the two intervals have a point in common."""
    return one.low <= other.high and other.low <= one.high


def metric_name(metric: str, voice: Voice) -> str:
    """A metric for people, without its `@K`; an unknown one keeps its own name."""
    family = metric.partition("@")[0]
    return voice.say(f"metric_{family}") if family in FAMILIES else family


def written(metric: str, value: float, voice: Voice) -> str:
    """A value with its unit: ranks as numbers, everything else as a percentage."""
    return voice.number(value, 1) if metric in LOWER_IS_BETTER else voice.percent(value)


def span(metric: str, estimate: Estimate, voice: Voice) -> str:
    """The interval of a value as `61.0–69.3`, or nothing where none was computed."""
    if not estimate.low < estimate.high:
        return ""
    return f"{written(metric, estimate.low, voice)}–{written(metric, estimate.high, voice)}".replace("%", "")


def protocol_words(protocol: Protocol, voice: Voice) -> tuple[str, ...]:
    """The conditions as sentences, one per condition."""
    asks = voice.say(
        f"protocol_queries_{protocol.direction}",
        queries=voice.number(protocol.queries),
        gallery=voice.number(protocol.gallery),
        per_image=voice.number(protocol.captions_per_image, 1),
        language=voice.language(protocol.language),
        data=protocol.data,
    )
    full = protocol.depth >= protocol.gallery
    return (
        asks,
        voice.say("protocol_shared" if protocol.equal_captions == "shared" else "protocol_as_given"),
        voice.say("protocol_full") if full else voice.say("protocol_depth", depth=voice.number(protocol.depth)),
        voice.say("protocol_dropped", count=voice.number(protocol.dropped))
        if protocol.dropped
        else voice.say("protocol_none_dropped"),
        voice.say("protocol_ties", rule=voice.say("tie_rule") if protocol.ties == TIE_RULE else protocol.ties),
    )


def _order(metric: str) -> tuple[int, str, int]:
    family, _, cutoff = metric.partition("@")
    place = FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)
    return place, family, int(cutoff) if cutoff.isdigit() else 0


def _groups(columns: Sequence[str], voice: Voice) -> tuple[Group, ...]:
    cutoffs: dict[str, list[str]] = {}
    for metric in columns:
        family, at, cutoff = metric.partition("@")
        cutoffs.setdefault(family, []).append(at + cutoff)
    return tuple(Group(metric_name(family, voice), tuple(found)) for family, found in cutoffs.items())


def _cell(metric: str, estimate: Estimate, given: Mark, voice: Voice) -> Cell:
    return Cell(metric, written(metric, estimate.value, voice), span(metric, estimate, voice), given)
