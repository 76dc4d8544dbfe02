"""What re-ranking did: base, re-ranked and the best possible order side by side, a plain verdict, and the price."""

from collections.abc import Sequence

from mirante.evaluation import Verdict
from mirante.report.panel import Grid, Panel, shares
from mirante.report.tables import metric_name
from mirante.report.voice import NOTHING, Voice
from mirante.types import Estimate, Protocol

KEYS = {"helps": "helps", "hurts": "hurts", "no difference shown": "unshown"}


def reranked_panels(found: Sequence[Verdict], voice: Voice) -> tuple[Panel, ...]:
    """One panel for each protocol under which something was re-ranked."""
    return tuple(_panel(f"r{at}", group, voice) for at, group in enumerate(grouped(found), 1))


def grouped(found: Sequence[Verdict]) -> list[list[Verdict]]:
    """Verdicts of one protocol and depth, together."""
    groups: dict[tuple[Protocol, int], list[Verdict]] = {}
    for one in found:
        groups.setdefault((one.protocol, one.depth), []).append(one)
    return list(groups.values())


def heading(one: Verdict, voice: Voice) -> str:
    """What was re-ranked."""
    protocol = one.protocol
    language = voice.language(protocol.language)
    return voice.say("reranking.heading", data=protocol.data, language=language, depth=voice.number(one.depth))


def rows_of(found: Sequence[Verdict], voice: Voice) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Head and rows of one protocol: for each verdict the base, the re-ranked, the best order of the same answers."""
    metrics = list(found[0].base)
    rows = []
    for one in found:
        best = {name: Estimate(value, value, value) for name, value in one.ceiling.items()}
        named = voice.say("reranking.best", depth=voice.number(one.depth))
        for name, side in ((one.model, one.base), (one.reranked, one.after), (named, best)):
            rows.append((name, *shares([side[metric] for metric in metrics], voice)))
    return (voice.say("model"), *(_metric(name, voice) for name in metrics)), tuple(rows)


def words(one: Verdict, voice: Voice) -> str:
    """Whether it helps, and what it takes; a gain that was not shown is not set against the time."""
    turn = -1 if one.word == "hurts" else 1
    low, high = sorted((turn * one.low, turn * one.high))
    said = voice.say(
        f"reranking.{KEYS[one.word]}",
        name=one.reranked,
        metric=_metric(one.metric, voice),
        base=voice.percent(one.base[one.metric].value),
        after=voice.percent(one.after[one.metric].value),
        difference=voice.points(turn * one.difference),
        span=voice.say("span", low=voice.points(low), high=voice.points(high)),
        p=voice.chance(one.p_holm),
        smallest=voice.points(one.smallest_difference),
        ceiling=voice.percent(one.ceiling[one.metric]),
    )
    usd, gain = one.usd_per_1000_queries, one.points_per_second
    shown = one.word != "no difference shown"
    cost = voice.say(
        "reranking.cost",
        milliseconds=voice.rough(one.milliseconds_per_query),
        candidates=voice.short(round(one.candidates, 1)),
        device=one.device,
        price="" if usd is None else voice.say("reranking.price", usd=voice.rough(usd)),
        gain=voice.say("reranking.gain", points=voice.rough(gain.value)) if gain and shown else "",
    )
    return f"{said} {cost}"


def _panel(anchor: str, found: Sequence[Verdict], voice: Voice) -> Panel:
    first = found[0]
    metric, depth = _metric(first.metric, voice), voice.number(first.depth)
    keys = ("chain", "verdict", "difference", "p", "candidates", "milliseconds", "usd", "gain")
    priced = any(one.usd_per_hour is not None for one in found)
    shown = [key for key in keys if priced or key != "usd"]
    head = tuple(voice.say(f"reranking.column_{key}", metric=metric) for key in shown)
    rows = tuple(tuple(_cells(one, voice)[key] for key in shown) for one in found)
    return Panel(
        anchor,
        heading(first, voice),
        tuple(words(one, voice) for one in found),
        (
            Grid(voice.say("reranking.quality"), *rows_of(found, voice)),
            Grid(voice.say("reranking.price_title"), head, rows),
        ),
        (),
        voice.say("reranking.note", depth=depth, metric=metric),
    )


def _cells(one: Verdict, voice: Voice) -> dict[str, str]:
    span = voice.say("span", low=voice.points(one.low), high=voice.points(one.high))
    usd = one.usd_per_1000_queries
    return {
        "chain": one.reranked,
        "verdict": voice.say(f"reranking.word_{KEYS[one.word]}"),
        "difference": f"{voice.points(one.difference)} {span}",
        "p": voice.chance(one.p_holm),
        "candidates": voice.short(round(one.candidates, 1)),
        "milliseconds": voice.rough(one.milliseconds_per_query),
        "usd": NOTHING if usd is None else voice.rough(usd),
        "gain": _gain(one, voice),
    }


def _gain(one: Verdict, voice: Voice) -> str:
    gain = one.points_per_second
    if gain is None:
        return NOTHING
    return f"{voice.rough(gain.value)} {voice.say('span', low=voice.rough(gain.low), high=voice.rough(gain.high))}"


def _metric(name: str, voice: Voice) -> str:
    """`R@1`, or the name of a metric that is no hit rate."""
    family, _, _ = name.partition("@")
    return name.replace("hit_rate", "R") if family == "hit_rate" else metric_name(name, voice)
