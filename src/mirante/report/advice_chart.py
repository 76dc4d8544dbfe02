"""The chart of a learning curve: R@1 on the shares that were tried, and the curve followed to all of the data."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mirante.report.svg import STEPS, ceiling, drawing, element, line, path, scale, words
from mirante.report.voice import Voice
from mirante.types import Estimate

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 564, 58, 540, 40, 290
END = 0.02
"""Free room at both ends of the pictures' axis, as a share of it."""


@dataclass(frozen=True)
class LearningChart:
    """Pictures on a logarithmic axis, R@1 from zero.

    Args:
        start: R@1 of the model as it is.
        tried: (pictures, R@1) of each share.
        followed: the same along the curve; empty where there is none.
        pictures: of all the data.
        trusted: whether the curve is believed; else it is drawn faintly.
        voice: its language.
    """

    start: Estimate
    tried: Sequence[tuple[float, Estimate]]
    followed: Sequence[tuple[float, Estimate]]
    pictures: int
    trusted: bool
    voice: Voice

    @classmethod
    def of(cls, curve: Mapping[str, Any], voice: Voice) -> "LearningChart":
        """The chart of the `learning_curve` of a document."""
        points = [(one["pictures"], Estimate(**one["r1"])) for one in curve["points"]]
        followed = [(one["pictures"], Estimate(**one["r1"])) for one in curve["line"]]
        return cls(points[0][1], points[1:], followed, curve["pictures"], not curve["doubts"], voice)

    def draw(self) -> Markup:
        """The chart."""
        rows = "; ".join(self._heard(*one) for one in (*self.tried, *self.followed[-1:]))
        label = self.voice.say("advise.chart-alt", start=self.voice.percent(self.start.value), rows=rows)
        parts = [*self._axes(), *self._band(), *self._start()]
        for pictures, r1 in self.tried:
            parts += self._dot(pictures, r1, "dot s0")
        if self.followed:
            parts += self._dot(*self.followed[-1], "dot s0 refused")
        return drawing(WIDTH, BOTTOM + 46, label, *parts)

    @property
    def _across(self) -> Callable[[float], float]:
        low, high = math.log(self.tried[0][0]), math.log(max(self.pictures, self.tried[-1][0]))
        room = END * (high - low) + 0.1
        placed = scale(low - room, high + room, LEFT, RIGHT)
        return lambda pictures: placed(math.log(pictures))

    @property
    def _top(self) -> float:
        shown = [self.start, *(one for _, one in (*self.tried, *self.followed))]
        return ceiling(max(max(one.value, one.high) for one in shown))

    @property
    def _up(self) -> Callable[[float], float]:
        return scale(0, self._top, BOTTOM, TOP)

    def _axes(self) -> list[Markup]:
        voice, parts = self.voice, [words(4, 14, self.voice.say("advise.chart-y"))]
        for step in range(STEPS + 1):
            value = self._top * step / STEPS
            y = self._up(value)
            parts.append(line(LEFT, y, RIGHT, y, "grid" if step else "axis"))
            parts.append(words(LEFT - 8, y + 4, voice.percent(value, 0 if self._top >= 0.05 else 1), anchor="end"))
        for pictures in dict.fromkeys((*(int(one) for one, _ in self.tried), self.pictures)):
            x = self._across(pictures)
            parts.append(line(x, BOTTOM, x, BOTTOM + 5, "axis"))
            parts.append(words(x, BOTTOM + 19, voice.number(pictures), anchor="middle"))
        parts.append(words((LEFT + RIGHT) / 2, BOTTOM + 39, voice.say("advise.chart-x"), anchor="middle"))
        return parts

    def _band(self) -> list[Markup]:
        """The interval along the curve, and its middle."""
        if not self.followed:
            return []
        upper = [(self._across(n), self._up(one.high)) for n, one in self.followed]
        lower = [(self._across(n), self._up(one.low)) for n, one in reversed(self.followed)]
        outline = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*upper, *lower))
        middle = [(self._across(n), self._up(one.value)) for n, one in self.followed]
        band = element("polygon", points=outline, class_="beyond")
        return [band, path(middle, "curve s0" if self.trusted else "curve again s0")]

    def _start(self) -> list[Markup]:
        y = self._up(self.start.value)
        said = words(RIGHT, y - 6, self.voice.say("advise.chart-start"), anchor="end")
        return [line(LEFT, y, RIGHT, y, "limit"), said]

    def _dot(self, pictures: float, r1: Estimate, class_: str) -> list[Markup]:
        x = self._across(pictures)
        whisker = line(x, self._up(r1.low), x, self._up(r1.high), "whisker")
        return [whisker, element("circle", cx=x, cy=self._up(r1.value), r=4.5, class_=class_)]

    def _heard(self, pictures: float, r1: Estimate) -> str:
        voice = self.voice
        return voice.say("advise.chart-heard", pictures=voice.number(pictures), value=voice.percent(r1.value))
