"""Labels beside the points of a chart that touch neither each other nor a mark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

LETTER, HEIGHT = 7.0, 14.0
"""Units of width per letter and of height per line, of text 11.5 units high."""
_DISTANCES = (9.0, 16.0, 26.0, 38.0, 52.0, 68.0)
_TURNS = (0, 180, 45, -45, 135, -135, 90, -90, 20, -20, 160, -160)
_LEADER = 16.0

Point: TypeAlias = tuple[float, float]
Line: TypeAlias = tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, its top above (less than) its bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether the two share a point."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)

    def holds(self, other: "Box") -> bool:
        """Whether `other` lies within."""
        wide = self.left <= other.left and other.right <= self.right
        return wide and self.top <= other.top and other.bottom <= self.bottom

    def crossed(self, start: Point, end: Point) -> bool:
        """Whether the line between two points passes through."""
        steps = max(1, int(math.dist(start, end) / 3))
        along = (
            (start[0] + (end[0] - start[0]) * i / steps, start[1] + (end[1] - start[1]) * i / steps)
            for i in range(steps + 1)
        )
        return any(self.left < x < self.right and self.top < y < self.bottom for x, y in along)


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place; a `leader` line joins it to its point where it stands far away.

    Args:
        text: what is written.
        box: the room that is kept for it.
        anchor: which part of the text stands at `at`: its `"start"`, `"middle"` or `"end"`.
        leader: two points, None where it stands close by.
    """

    text: str
    box: Box
    anchor: str
    leader: Line | None

    @property
    def at(self) -> Point:
        """Where its text is anchored: x, and y of its base line."""
        sides = {"start": self.box.left, "middle": (self.box.left + self.box.right) / 2, "end": self.box.right}
        return sides[self.anchor], self.box.bottom - 3.5


def place(
    points: Sequence[Point], texts: Sequence[str], frame: Box, *, first: Sequence[int] = (), lines: Sequence[Line] = ()
) -> list[Label | None]:
    """A label for every point that has room for one, None for the others.

    Args:
        points: where the marks are; no label touches one.
        texts: of the labels, one a point.
        frame: no label leaves it.
        first: which points choose their places first; then the others in order.
        lines: what no label crosses, but those of `first` where nothing else is free.
    """
    marks = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    placed: list[Label | None] = [None] * len(points)
    for at in dict.fromkeys((*first, *range(len(points)))):
        free = [one for one in _candidates(points[at], texts[at]) if _free(one, at, marks, placed, frame)]
        clear = [one for one in free if not any(one.box.crossed(*drawn) for drawn in lines)]
        placed[at] = next(iter(clear or (free if at in first else ())), None)
    return placed


def _candidates(point: Point, text: str) -> list[Label]:
    """Places around a point, the nearest first."""
    half = LETTER * len(text) / 2
    found = []
    for distance in _DISTANCES:
        for turn in _TURNS:
            along, down = math.cos(math.radians(turn)), -math.sin(math.radians(turn))
            x = point[0] + along * (distance + half)
            y = point[1] + down * (distance + HEIGHT / 2)
            box = Box(x - half, y - HEIGHT / 2, x + half, y + HEIGHT / 2)
            near = min(max(point[0], box.left), box.right), min(max(point[1], box.top), box.bottom)
            anchor = "start" if along > 0.5 else "end" if along < -0.5 else "middle"
            found.append(Label(text, box, anchor, (point, near) if distance > _LEADER else None))
    return found


def _free(label: Label, at: int, marks: Sequence[Box], placed: Sequence[Label | None], frame: Box) -> bool:
    others = [one for one in placed if one]
    taken = [*marks, *(one.box for one in others)]
    if not frame.holds(label.box) or any(label.box.meets(one) for one in taken):
        return False
    if any(one.leader and label.box.crossed(*one.leader) for one in others):
        return False
    leader = label.leader
    around = [one for number, one in enumerate(marks) if number != at and leader and not one.meets(marks[at])]
    return not leader or not any(one.crossed(*leader) for one in (*around, *(other.box for other in others)))
