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
        difference=voice.points(one.difference),
        low=voice.points(one.low),
        high=voice.points(one.high),
        p=voice.chance(one.p_holm),
        smallest=voice.points(one.smallest_difference),
    )


def _pair(one: Comparison, voice: Voice) -> Pair:
    ends = voice.say("span", low=voice.points(one.low), high=voice.points(one.high))
    return Pair(
        one.first,
        one.second,
        f"{voice.points(one.difference)} {ends}",
        voice.chance(one.p_holm),
        voice.points(one.smallest_difference),
        one.told_apart,
    )
