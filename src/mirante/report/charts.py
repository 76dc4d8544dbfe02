"""The three charts of a report: bars with intervals, R@K curves, similarity histograms.

Every share axis starts at zero. Colour never stands alone: curves have marker shapes, histograms differ in fill and
dash, bars carry their names.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mirante.report.svg import STEPS, ceiling, drawing, element, fit, line, marker, path, scale, series, ticks, words
from mirante.report.voice import Voice
from mirante.types import Estimate

WIDE, BAR_ROW = 340, 40
CURVE_TICKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


@dataclass(frozen=True, slots=True)
class Curve:
    """Hit rate (0 to 1) of one model at each k, both of one length, k ascending."""

    model: str
    k: tuple[int, ...]
    hit_rate: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Similarities of one model: n + 1 `edges`; n counts of right and of wrong pairs."""

    model: str
    edges: tuple[float, ...]
    positive: tuple[float, ...]
    negative: tuple[float, ...]

    @property
    def span(self) -> tuple[float, float]:
        """The lowest and highest edge of the bins that hold something."""
        held = [i for i, pair in enumerate(zip(self.positive, self.negative, strict=True)) if any(pair)]
        return (self.edges[held[0]], self.edges[held[-1] + 1]) if held else (self.edges[0], self.edges[-1])


def bars(
    metric: str, rows: Sequence[tuple[str, Estimate]], voice: Voice, *, top: float, hue: int | None = None
) -> Markup:
    """One horizontal bar a row, from zero to `top` (a share), with its interval across the end.

    Rows are models, each in its own colour, unless `hue` gives all of them one.
    """
    height = 26 + BAR_ROW * len(rows) + 20
    across = scale(0, top, 4.0, WIDE - 14.0)
    parts = [words(4, 14, metric, class_="chart-title")]
    for value in _shares(top):
        parts.append(line(across(value), 24, across(value), height - 18, "grid" if value else "axis"))
        parts.append(words(across(value), height - 4, voice.percent(value, _places(top)), anchor=_anchor(value, top)))
    for at, (model, estimate) in enumerate(rows):
        parts.extend(_bar(at, model, estimate, across, voice, hue=at if hue is None else hue))
    heard = "; ".join(f"{model} {voice.percent(one.value)}{voice.interval(one)}" for model, one in rows)
    return drawing(WIDE, height, voice.say("bars_alt", metric=metric, rows=heard), *parts)


def curves(lines: Sequence[Curve], voice: Voice) -> Markup:
    """Hit rate against K, one line a model; K on a logarithmic axis where it passes 20."""
    width, plot, legend = 400, 220, 20 * len(lines)
    last, first = max(max(one.k) for one in lines), min(min(one.k) for one in lines)
    logarithmic = last > 20
    place = (lambda k: math.log(max(k, 1))) if logarithmic else float
    top = ceiling(max(max(one.hit_rate) for one in lines))
    across, up = scale(place(first), place(last), 52, width - 16), scale(0, top, plot, 24)
    parts = [words(4, 12, voice.say("curve_y"), class_="label")]
    for value in _shares(top):
        parts.append(line(52, up(value), width - 16, up(value), "grid" if value else "axis"))
        parts.append(words(46, up(value) + 4, voice.percent(value, _places(top)), anchor="end"))
    for k in (one for one in CURVE_TICKS if first <= one <= last):
        parts.append(words(across(place(k)), plot + 16, voice.number(k), anchor="middle"))
    axis = voice.say("curve_x_log" if logarithmic else "curve_x")
    parts.append(words((52 + width - 16) / 2, plot + 34, axis, anchor="middle"))
    for at, one in enumerate(lines):
        points = [(across(place(k)), up(rate)) for k, rate in zip(one.k, one.hit_rate, strict=True)]
        shown = [point for k, point in zip(one.k, points, strict=True) if k in CURVE_TICKS or k == last]
        y = plot + 54 + 20 * at
        parts += [path(points, f"curve {series(at)}"), *(marker(x, y, at) for x, y in shown)]
        parts += [
            path([(52, y), (80, y)], f"curve {series(at)}"),
            marker(66, y, at),
            words(88, y + 4, fit(one.model, 44)),
        ]
    heard = [_ends(one, voice) for one in lines]
    label = voice.say("curve_alt", first=first, last=last, rows="; ".join(heard))
    return drawing(width, plot + 48 + legend, label, *parts)


def histogram(data: Histogram, span: tuple[float, float], voice: Voice) -> Markup:
    """Right pairs filled, wrong pairs as a dashed outline; each sums to 100%; the axis covers `span`."""
    base, left, right = 180, 44, WIDE - 10
    positive, negative = _portions(data.positive), _portions(data.negative)
    highest = max((*positive, *negative), default=0.0) or 1.0
    across, up = scale(*span, left, right), scale(0, highest * 1.05, base, 44)
    parts = [element("rect", x=left, y=8, width=14, height=10, class_="positive")]
    parts += [words(left + 20, 17, voice.say("positive")), path([(left + 120, 13), (left + 142, 13)], "negative")]
    parts += [words(left + 148, 17, voice.say("negative")), words(4, 36, voice.say("histogram_y"))]
    for value in ticks(0, highest, 4):
        parts.append(line(left, up(value), right, up(value), "grid" if value else "axis"))
        parts.append(words(left - 5, up(value) + 4, voice.percent(value, _places(highest)), anchor="end"))
    for value in ticks(*span, 5):
        parts.append(line(across(value), base, across(value), base + 4, "axis"))
        parts.append(words(across(value), base + 17, voice.number(value, 2), anchor="middle"))
    parts.append(words((left + right) / 2, base + 34, voice.say("histogram_x"), anchor="middle"))
    for portions, class_ in ((positive, "positive"), (negative, "negative")):
        outline = _outline(data.edges, portions)
        parts.append(path([(across(x), up(y)) for x, y in outline], class_))
    return drawing(WIDE, base + 40, voice.say("histogram_alt", model=data.model), *parts)


def _bar(
    at: int, model: str, estimate: Estimate, across: Callable[[float], float], voice: Voice, *, hue: int
) -> list[Markup]:
    top = 26 + BAR_ROW * at
    parts = [
        words(9, top + 12, fit(model, 40)),
        words(WIDE - 14, top + 12, voice.percent(estimate.value), anchor="end", class_="value"),
    ]
    if math.isfinite(estimate.value):
        width = across(estimate.value) - across(0)
        parts.append(element("rect", x=across(0), y=top + 19, width=width, height=12, class_=f"bar {series(hue)}"))
    if estimate.low < estimate.high:
        low, high, y = across(estimate.low), across(estimate.high), top + 25
        parts += [line(low, y, high, y, "whisker"), line(low, y - 4, low, y + 4, "whisker")]
        parts.append(line(high, y - 4, high, y + 4, "whisker"))
    return parts


def _ends(one: Curve, voice: Voice) -> str:
    start, end = voice.percent(one.hit_rate[0]), voice.percent(one.hit_rate[-1])
    return voice.say("curve_row", model=one.model, start=start, end=end)


def _shares(top: float) -> list[float]:
    return [top * step / STEPS for step in range(STEPS + 1)]


def _places(top: float) -> int:
    return 0 if top >= STEPS / 100 else 1


def _anchor(value: float, top: float) -> str:
    return "start" if value == 0 else "end" if value == top else "middle"


def _portions(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [one / total for one in counts] if total else [0.0] * len(counts)


def _outline(edges: Sequence[float], portions: Sequence[float]) -> list[tuple[float, float]]:
    held = [i for i, one in enumerate(portions) if one]
    if not held:
        return []
    points = [(edges[held[0]], 0.0)]
    for i in range(held[0], held[-1] + 1):
        points += [(edges[i], portions[i]), (edges[i + 1], portions[i])]
    return [*points, (edges[held[-1] + 1], 0.0)]
