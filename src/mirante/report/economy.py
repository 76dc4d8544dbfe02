"""Quality against cost: what encoding takes, points per dollar, and the models that no other beats on both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from markupsafe import Markup

from mirante.report.labels import Box, place
from mirante.report.svg import drawing, element, fit, line, path, scale, ticks, words
from mirante.report.tables import metric_name
from mirante.report.voice import NOTHING, Voice
from mirante.types import Estimate, Result

METRIC = "hit_rate@1"
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 564, 58, 546, 34, 300
ITEMS = {True: 1_000_000, False: 1_000}
"""Pictures, and texts, that are told together: many where they have a price, for one is next to nothing."""
_GB = 1e9

Standing: TypeAlias = Literal["yes", "tied", "no"]
Spot: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Point:
    """A model: its quality, what `ITEMS` pictures and as many texts cost, and whether it lies on the front."""

    model: str
    quality: Estimate
    cost: float
    front: Standing


@dataclass(frozen=True)
class Economy:
    """What a section of the report says of cost.

    Args:
        lead: what was timed, and where.
        head: columns of the table.
        rows: a model a row, its cells as written.
        chart: quality against cost, where at least two models were timed on one machine.
        note: how to read it.
    """

    lead: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chart: Markup | None
    note: str


def economy(results: Sequence[Result], voice: Voice) -> Economy | None:
    """The cost of models that were measured under one protocol, None where nobody timed them."""
    timed = [(one, cost) for one in results if (cost := _cost(one))]
    if not timed:
        return None
    devices = list(dict.fromkeys(cost["device"] for _, cost in timed))
    priced = all(cost.get("usd_per_hour") for _, cost in timed)
    points = front([(one.model, one.metrics[METRIC], _spent(cost, priced=priced)) for one, cost in timed])
    several = len(devices) > 1
    drawn = None if several or len(points) < 2 else draw(points, voice, priced=priced)
    note = voice.say("economy.devices", devices=", ".join(devices)) if several else ""
    return Economy(
        voice.say("economy.lead", items=voice.number(ITEMS[priced]), device=", ".join(devices)),
        _head(voice, priced=priced, trained=any(cost.get("training") for _, cost in timed), several=several),
        tuple(
            _row(
                point, cost, voice, priced=priced, trained=any(one.get("training") for _, one in timed), several=several
            )
            for point, (_, cost) in zip(points, timed, strict=True)
        ),
        drawn,
        voice.say("economy.note") if drawn else note,
    )


def front(measured: Sequence[tuple[str, Estimate, float]]) -> list[Point]:
    """Which of (model, quality, cost) no other beats: `"yes"` at no more cost with at least the quality.

    A model behind the front is `"tied"` where its interval reaches the quality of every model that beats it.
    """
    points = []
    for model, quality, cost in measured:
        better = [
            one
            for _, one, spent in measured
            if spent <= cost and one.value >= quality.value and (spent, one.value) != (cost, quality.value)
        ]
        reaches = quality.low < quality.high and all(quality.high >= one.low for one in better)
        points.append(Point(model, quality, cost, "yes" if not better else "tied" if reaches else "no"))
    return points


def draw(points: Sequence[Point], voice: Voice, *, priced: bool) -> Markup:
    """The chart: cost to the right on a logarithmic axis, quality upwards, the front as a line of steps."""
    low, high = min(point.cost for point in points) / 1.25, max(point.cost for point in points) * 1.25
    ends = [end for point in points for end in (point.quality.low, point.quality.high)]
    room = max(0.01, 0.06 * (max(ends) - min(ends)))
    bottom, top = max(0.0, min(ends) - room), min(1.0, max(ends) + room)
    along, up = scale(math.log(low), math.log(high), LEFT, RIGHT), scale(bottom, top, BOTTOM, TOP)
    at = [(along(math.log(point.cost)), up(point.quality.value)) for point in points]
    stairs = _stairs([spot for spot, point in zip(at, points, strict=True) if point.front == "yes"])
    bars = [((x, up(point.quality.low)), (x, up(point.quality.high))) for (x, _), point in zip(at, points, strict=True)]
    parts = _axes((low, high), (bottom, top), voice, priced=priced)
    parts.append(path(stairs, "curve s0"))
    for (x, y), point, (start, end) in zip(at, points, bars, strict=True):
        parts.append(line(*start, *end, "whisker"))
        parts.append(
            element("circle", cx=x, cy=y, r=4.5, class_="dot s0" if point.front == "yes" else "dot s0 refused")
        )
    parts += _labels(points, at, [*bars, *pairwise(stairs)])
    heard = "; ".join(_heard(point, voice, priced=priced) for point in points)
    return drawing(WIDTH, BOTTOM + 46, voice.say("economy.alt", rows=heard), *parts)


def _axes(costs: tuple[float, float], qualities: tuple[float, float], voice: Voice, *, priced: bool) -> list[Markup]:
    low, high = costs
    along, up = scale(math.log(low), math.log(high), LEFT, RIGHT), scale(*qualities, BOTTOM, TOP)
    parts = [words(4, 14, voice.say("economy.y", metric=_metric(voice)))]
    shares = ticks(*qualities, 5)
    places = 0 if len(shares) < 2 or shares[1] - shares[0] >= 0.0099 else 1
    for share in shares:
        parts.append(line(LEFT, up(share), RIGHT, up(share), "grid"))
        parts.append(words(LEFT - 8, up(share) + 4, voice.percent(share, places), anchor="end"))
    for value in _steps(*costs):
        x = along(math.log(value))
        parts.append(line(x, BOTTOM, x, BOTTOM + 5, "axis"))
        parts.append(
            words(x, BOTTOM + 19, voice.short(value) if value >= 0.001 else voice.rough(value), anchor="middle")
        )
    parts += [line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"), line(LEFT, TOP, LEFT, BOTTOM, "axis")]
    axis = voice.say("economy.x_usd" if priced else "economy.x_seconds", items=voice.number(ITEMS[priced]))
    return [*parts, words((LEFT + RIGHT) / 2, BOTTOM + 39, axis, anchor="middle")]


def _labels(points: Sequence[Point], at: Sequence[Spot], lines: Sequence[tuple[Spot, Spot]]) -> list[Markup]:
    """The name of each model beside its point, off the lines where there is room."""
    names = [fit(point.model, 34) for point in points]
    parts: list[Markup] = []
    for label in place(at, names, Box(LEFT + 3, TOP - 16, WIDTH - 1, BOTTOM - 3), first=range(len(at)), lines=lines):
        if label and label.leader:
            parts.append(path(label.leader, "leader"))
        if label:
            parts.append(words(*label.at, label.text, anchor=label.anchor, class_="label alpha"))
    return parts


def _stairs(spots: Sequence[Spot]) -> list[Spot]:
    """The front: as good as the best that is no dearer."""
    found: list[Spot] = []
    for x, y in sorted(spots):
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return [*found, (float(RIGHT), found[-1][1])] if found else []


def _steps(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two numbers."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    return [one for one in found if low <= one <= high]


def _cost(result: Result) -> Mapping[str, Any] | None:
    cost: Mapping[str, Any] | None = result.details.get("cost")
    known = cost is not None and METRIC in result.metrics
    return cost if known and cost and cost.get("seconds_per_image") and cost.get("seconds_per_text") else None


def _spent(cost: Mapping[str, Any], *, priced: bool) -> float:
    """Of the pictures and texts that are told together: US dollars, or seconds."""
    seconds = float(ITEMS[priced] * (cost["seconds_per_image"] + cost["seconds_per_text"]))
    return seconds * cost["usd_per_hour"] / 3600 if priced else seconds


def _head(voice: Voice, *, priced: bool, trained: bool, several: bool) -> tuple[str, ...]:
    per = "economy.per_usd" if priced else "economy.per_minute"
    columns = [voice.say("economy.model"), voice.say("economy.quality", metric=_metric(voice))]
    items = voice.number(ITEMS[priced])
    columns += [voice.say("economy.image", items=items), voice.say("economy.text", items=items), voice.say(per)]
    columns += [] if several else [voice.say("economy.front")]
    return (*columns, *([voice.say("economy.training")] if trained else []))


def _row(
    point: Point, cost: Mapping[str, Any], voice: Voice, *, priced: bool, trained: bool, several: bool
) -> tuple[str, ...]:
    rate = cost["usd_per_hour"] / 3600 if priced else 1.0
    each = [
        _amount(ITEMS[priced] * cost[f"seconds_per_{kind}"] * rate, voice, priced=priced) for kind in ("image", "text")
    ]
    per = 100 * point.quality.value / (point.cost if priced else point.cost / 60)
    cells = [point.model, voice.percent(point.quality.value) + voice.interval(point.quality), *each]
    cells.append(voice.number(per, 0 if per >= 100 else 1))
    cells += [] if several else [voice.say(f"economy.{point.front}")]
    return (*cells, *([_training(cost.get("training"), voice)] if trained else []))


def _training(known: Mapping[str, Any] | None, voice: Voice) -> str:
    """What the run took that made a checkpoint, and what was expected of it."""
    if not known:
        return NOTHING
    said = voice.say("economy.training_value", **_figures(known["actual"], voice))
    expected = known.get("predicted")
    return f"{said} {voice.say('economy.training_expected', **_figures(expected, voice))}" if expected else said


def _figures(known: Mapping[str, Any], voice: Voice) -> dict[str, str]:
    money = voice.say("economy.training_usd", usd=voice.number(known["usd"], 2)) if known.get("usd") else ""
    peak = voice.number((known.get("peak_bytes") or 0) / _GB, 1)
    return {"hours": voice.rough(known["hours"]), "peak": peak, "usd": money}


def _heard(point: Point, voice: Voice, *, priced: bool) -> str:
    cost = _amount(point.cost, voice, priced=priced)
    return voice.say("economy.heard", model=point.model, quality=voice.percent(point.quality.value), cost=cost)


def _amount(value: float, voice: Voice, *, priced: bool) -> str:
    return voice.say("economy.usd" if priced else "economy.seconds", number=voice.rough(value))


def _metric(voice: Voice) -> str:
    return f"{metric_name(METRIC, voice)} @{METRIC.partition('@')[2]}"
