"""Who is ahead, how sure that is, and what the sample could show: the league of one protocol in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mirante.evaluation import Comparison, League, league
from mirante.report.tables import metric_name, written
from mirante.report.voice import Voice
from mirante.types import Result

METRIC = "hit_rate@1"
"""What orders models where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison as written: the two models, `3.1 [1.0, 5.2]`, the corrected p, what the sample could show."""

    first: str
    second: str
    difference: str
    p: str
    smallest: str
    told_apart: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The models of one protocol in order.

    Args:
        metric: the metric that orders them, by name.
        rows: letters, model and value with its interval, best first.
        sentences: each model against the next.
        pairs: every pair.
    """

    metric: str
    rows: tuple[tuple[str, str, str], ...]
    sentences: tuple[str, ...]
    pairs: tuple[Pair, ...]


def standing(
    results: Sequence[Result], comparisons: Sequence[Comparison], voice: Voice, metric: str | None = None
) -> Standing | None:
    """The league of `results` (of one protocol) by `metric`; None where fewer than two models were compared.

    Raises:
        UnknownName: the models were compared, but not by that metric.
    """
    compared = dict.fromkeys(one.metric for one in comparisons)
    metric = metric or (METRIC if METRIC in compared else next(iter(compared), METRIC))
    found = league(results, comparisons, metric)
    if found is None:
        return None
    name = metric_name(metric, voice) + metric[len(metric.partition("@")[0]) :]
    rows = tuple(
        (" ".join(place.letters), place.model, written(metric, place.value.value, voice) + voice.interval(place.value))
        for place in found.places
    )
    return Standing(name, rows, sentences(found, voice), tuple(_pair(one, voice) for one in found.comparisons))


def sentences(found: League, voice: Voice) -> tuple[str, ...]:
    """Each model against the next below it, in one sentence a student understands."""
    neighbours = (found.between(one.model, other.model) for one, other in pairwise(found.places))
    return tuple(sentence(one, voice) for one in neighbours if one is not None)


def sentence(one: Comparison, voice: Voice) -> str:
    """What a comparison says."""
    return voice.say(
        "apart" if one.told_apart else "alike",
        first=one.first,
        second=one.second,
        difference=_points(one.difference, voice),
        low=_points(one.low, voice),
        high=_points(one.high, voice),
        p=_chance(one.p_holm, voice),
        smallest=_points(one.smallest_difference, voice),
    )


def _pair(one: Comparison, voice: Voice) -> Pair:
    ends = voice.say("span", low=_points(one.low, voice), high=_points(one.high, voice))
    return Pair(
        one.first,
        one.second,
        f"{_points(one.difference, voice)} {ends}",
        _chance(one.p_holm, voice),
        _points(one.smallest_difference, voice),
        one.told_apart,
    )


def _points(share: float, voice: Voice) -> str:
    """A difference of shares in points, to a tenth; to a hundredth where a tenth would hide it."""
    return voice.number(100 * share, 1 if abs(share) >= 0.0005 or not share else 2)


def _chance(p: float, voice: Voice) -> str:
    least = 0.001
    return voice.say("less_than", value=voice.number(least, 3)) if p < least else voice.number(p, 3)
