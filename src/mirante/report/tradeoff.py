"""The chart of a blend: what each α reaches on the target against what it keeps of the retained data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from markupsafe import Markup

from mirante.report.labels import Box, Line, place
from mirante.report.svg import drawing, element, line, path, scale, ticks, words
from mirante.report.voice import Voice
from mirante.types import Estimate

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 564, 58, 546, 50, 350
NARROWEST, FARTHEST = 0.02, 0.06
"""Shares: the least width of an axis; how far the line of what may be lost is followed away from the points."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One α: hit rates (shares) on both sides, whether the rule allows it, whether it is the chosen one."""

    alpha: float
    target: Estimate
    retain: Estimate
    allowed: bool
    chosen: bool


@dataclass(frozen=True)
class Tradeoff:
    """The path from the start to the fine-tune; retained data to the right, target upwards.

    The axes cover the points, the interval of the chosen one, and the line of what may be lost where it is near.

    Args:
        marks: by rising α.
        limit: lowest hit rate on the retained data that the rule allows.
        voice: its language.
    """

    marks: Sequence[Mark]
    limit: float
    voice: Voice

    @property
    def limited(self) -> bool:
        """Whether the line of what may be lost is near enough to be drawn."""
        low, high = self._extent("retain")
        return self.limit >= low - max(FARTHEST, high - low)

    def draw(self) -> Markup:
        """The chart."""
        heard = "; ".join(self._heard(one) for one in self.marks)
        parts = [*self._axes(), *(self._line_of_loss() if self.limited else ()), path(self._points, "curve s0")]
        for point, one in zip(self._points, self.marks, strict=True):
            parts += self._dot(point, one)
        return drawing(WIDTH, BOTTOM + 46, self.voice.say("tradeoff.alt", rows=heard), *parts, *self._labels())

    @cached_property
    def _wide(self) -> tuple[float, float]:
        low, high = self._extent("retain")
        return _span(min(low, self.limit) if self.limited else low, high)

    @cached_property
    def _high(self) -> tuple[float, float]:
        return _span(*self._extent("target"))

    @cached_property
    def _points(self) -> list[tuple[float, float]]:
        return [self._at(one.retain.value, one.target.value) for one in self.marks]

    def _at(self, retain: float, target: float) -> tuple[float, float]:
        return scale(*self._wide, LEFT, RIGHT)(retain), scale(*self._high, BOTTOM, TOP)(target)

    def _extent(self, side: str) -> tuple[float, float]:
        """The lowest and highest value of one side, the interval of the chosen α included."""
        values = [getattr(one, side).value for one in self.marks]
        chosen = [getattr(one, side) for one in self.marks if one.chosen]
        return min([*values, *(one.low for one in chosen)]), max([*values, *(one.high for one in chosen)])

    def _axes(self) -> list[Markup]:
        voice, parts = self.voice, [words(4, 14, self.voice.say("tradeoff.y"))]
        shares = ticks(*self._high, 5)
        for value in shares:
            y = self._at(self._wide[0], value)[1]
            parts.append(line(LEFT, y, RIGHT, y, "grid"))
            parts.append(words(LEFT - 8, y + 4, voice.percent(value, _places(shares)), anchor="end"))
        shares = ticks(*self._wide, 6)
        for value in shares:
            x = self._at(value, self._high[0])[0]
            parts.append(line(x, BOTTOM, x, BOTTOM + 5, "axis"))
            parts.append(words(x, BOTTOM + 19, voice.percent(value, _places(shares)), anchor="middle"))
        parts += [line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"), line(LEFT, TOP, LEFT, BOTTOM, "axis")]
        return [*parts, words((LEFT + RIGHT) / 2, BOTTOM + 39, voice.say("tradeoff.x"), anchor="middle")]

    def _line_of_loss(self) -> list[Markup]:
        x = self._at(self.limit, self._high[0])[0]
        anchor = "start" if x < WIDTH / 3 else "end" if x > 2 * WIDTH / 3 else "middle"
        shade = element("rect", x=LEFT, y=TOP, width=max(0.0, x - LEFT), height=BOTTOM - TOP, class_="beyond")
        said = words(x, TOP - 9, self.voice.say("tradeoff.limit"), anchor=anchor)
        return [shade, line(x, TOP - 4, x, BOTTOM, "limit"), said]

    def _dot(self, point: tuple[float, float], one: Mark) -> list[Markup]:
        x, y = point
        dot = element("circle", cx=x, cy=y, r=4.5, class_="dot s0" if one.allowed else "dot s0 refused")
        if not one.chosen:
            return [dot]
        bars = [line(*start, *end, "whisker") for start, end in self._bars(one)]
        return [*bars, element("circle", cx=x, cy=y, r=9.0, class_="ring"), dot]

    def _bars(self, one: Mark) -> tuple[Line, Line]:
        """The two intervals of a point."""
        x, y = self._at(one.retain.value, one.target.value)
        left, low = self._at(one.retain.low, one.target.low)
        right, high = self._at(one.retain.high, one.target.high)
        return ((left, y), (right, y)), ((x, low), (x, high))

    def _labels(self) -> list[Markup]:
        """Every α beside its point; the chosen one and the two ends find their places first."""
        count = len(self.marks)
        first = [*(at for at, one in enumerate(self.marks) if one.chosen), 0, count - 1]
        found = place(
            self._points,
            [self._name(at) for at in range(count)],
            Box(LEFT + 3, TOP + 2, WIDTH - 1, BOTTOM - 3),
            first=first,
            lines=self._drawn(),
        )
        parts: list[Markup] = []
        for label, one in zip(found, self.marks, strict=True):
            if label and label.leader:
                parts.append(path(label.leader, "leader"))
            if label:
                class_ = "label alpha chosen" if one.chosen else "label alpha"
                parts.append(words(*label.at, label.text, anchor=label.anchor, class_=class_))
        return parts

    def _drawn(self) -> list[Line]:
        """Lines that labels keep off: the path, the intervals, the line of what may be lost."""
        x = self._at(self.limit, self._high[0])[0]
        bars = [drawn for one in self.marks if one.chosen for drawn in self._bars(one)]
        return [*pairwise(self._points), *bars, *([((x, TOP), (x, BOTTOM))] if self.limited else [])]

    def _name(self, at: int) -> str:
        one = self.marks[at]
        number = self.voice.short(one.alpha)
        role = "_start" if at == 0 else "_end" if one.alpha == 1 else ""
        return self.voice.say(f"tradeoff.label{role}{'_chosen' if one.chosen else ''}", alpha=number)

    def _heard(self, one: Mark) -> str:
        voice = self.voice
        values = {"target": voice.percent(one.target.value), "retain": voice.percent(one.retain.value)}
        return voice.say("tradeoff.heard", alpha=voice.short(one.alpha), **values)


def _span(low: float, high: float) -> tuple[float, float]:
    """The values with some room around them, at least `NARROWEST` wide, within 0 and 1."""
    room = max((high - low) * 0.08, (NARROWEST - (high - low)) / 2)
    return max(0.0, low - room), min(1.0, high + room)


def _places(shares: Sequence[float]) -> int:
    """Decimals that tell neighbouring ticks apart."""
    return 0 if len(shares) < 2 or shares[1] - shares[0] >= 0.0099 else 1
