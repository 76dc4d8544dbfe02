"""One table per protocol: models × metrics, each value with its interval, the best marked only where it is one."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mirante.evaluation import Comparison
from mirante.report.voice import Voice
from mirante.types import TIE_RULE, Estimate, Protocol, Result

FAMILIES = ("hit_rate", "recall", "mrr", "ndcg", "map", "median_rank")
LOWER_IS_BETTER = frozenset({"median_rank"})

Mark: TypeAlias = Literal["", "best", "tied"]
Measured: TypeAlias = Sequence[tuple[str, Mapping[str, Estimate]]]
Verdict: TypeAlias = Callable[[int, int], bool | None]


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
        tested: whether marks come from tests on the same queries, not from intervals alone.
    """

    groups: tuple[Group, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    protocol: tuple[str, ...]
    tested: bool = False

    @property
    def marked(self) -> bool:
        """Whether any cell carries a mark that needs explaining."""
        return any(cell.mark for _, cells in self.rows for cell in cells)


def table(
    measured: Measured,
    protocol: Protocol,
    voice: Voice,
    *,
    unjudged: int = 0,
    comparisons: Sequence[Comparison] = (),
) -> Table:
    """Lay out `measured` (model, metric → estimate) that share `protocol`; `unjudged` queries were left out."""
    models = [model for model, _ in measured]
    columns = sorted({metric for _, metrics in measured for metric in metrics}, key=_order)
    nothing = Estimate(math.nan, math.nan, math.nan)
    estimates = {metric: [metrics.get(metric, nothing) for _, metrics in measured] for metric in columns}
    verdicts = {metric: tests(metric, models, protocol, comparisons) for metric in columns}
    marks = {metric: mark(metric, estimates[metric], verdicts[metric]) for metric in columns}
    rows = tuple(
        (model, tuple(_cell(metric, estimates[metric][at], marks[metric][at], voice) for metric in columns))
        for at, (model, _) in enumerate(measured)
    )
    left_out = (voice.say("protocol_unjudged", count=voice.number(unjudged)),) if unjudged else ()
    tested = any(one.protocol == protocol for one in comparisons)
    return Table(_groups(columns, voice), rows, (*protocol_words(protocol, voice), *left_out), tested)


def tests(metric: str, models: Sequence[str], protocol: Protocol, comparisons: Sequence[Comparison]) -> Verdict:
    """Whether tests tell two of `models`, given by place, apart; None where these two were not tested."""
    held = [one for one in comparisons if (one.metric, one.protocol) == (metric, protocol)]
    apart = {frozenset((one.first, one.second)): one.told_apart for one in held}
    return lambda one, other: apart.get(frozenset((models[one], models[other])))


def mark(metric: str, estimates: Sequence[Estimate], verdict: Verdict = lambda one, other: None) -> list[Mark]:
    """Mark the leader `best` when it can be told from every other; else it and those it cannot be told from are `tied`.

    Two models are told apart by their test, or else by intervals that do not overlap. Where there is no test, and
    neither the leader nor its nearest rival has an interval, nothing is claimed.
    """
    marks: list[Mark] = [""] * len(estimates)
    down = metric in LOWER_IS_BETTER
    measured = [i for i, one in enumerate(estimates) if math.isfinite(one.value) or (down and one.value == math.inf)]
    present = sorted(measured, key=lambda i: estimates[i].value if down else -estimates[i].value)
    if len(present) < 2:
        return marks
    leader, second = estimates[present[0]], estimates[present[1]]
    if verdict(present[0], present[1]) is None and not (leader.low < leader.high or second.low < second.high):
        return marks
    known = {i: verdict(present[0], i) for i in present[1:]}
    tied = [i for i, apart in known.items() if (overlap(leader, estimates[i]) if apart is None else not apart)]
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
        *_selection_words(protocol, voice),
        voice.say("protocol_shared" if protocol.equal_captions == "shared" else "protocol_as_given"),
        voice.say("protocol_full") if full else voice.say("protocol_depth", depth=voice.number(protocol.depth)),
        voice.say("protocol_dropped", count=voice.number(protocol.dropped))
        if protocol.dropped
        else voice.say("protocol_none_dropped"),
        voice.say("protocol_ties", rule=voice.say("tie_rule") if protocol.ties == TIE_RULE else protocol.ties),
    )


def preset_words(result: Result, voice: Voice) -> tuple[str, ...]:
    """The published protocol that a result follows, as sentences; nothing where it follows none."""
    preset = result.details.get("preset")
    if not preset:
        return ()
    recall = voice.say("protocol_any_hit" if preset["recall"] == "any-hit" else "protocol_fractional")
    return voice.say("protocol_preset", title=preset["title"], source=preset["source"]), recall


def _selection_words(protocol: Protocol, voice: Voice) -> list[str]:
    words = []
    if protocol.fraction < 1:
        share = voice.percent(protocol.fraction, 0)
        words.append(voice.say("protocol_fraction", share=share, seed=protocol.seed))
    if protocol.first_captions == 1:
        words.append(voice.say("protocol_first_caption"))
    elif protocol.first_captions:
        words.append(voice.say("protocol_first_captions", count=voice.number(protocol.first_captions)))
    if protocol.folds > 1:
        words.append(voice.say("protocol_folds", folds=voice.number(protocol.folds)))
    return words


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
