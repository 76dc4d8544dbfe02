"""Outlines: closed polygons in a square of side 1 centred on the origin, y downwards."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Shape:
    """One kind of object as layers of outlines, each an array (points, 2).

    Attributes:
        body: their union, less `holes`, is the silhouette and takes the object's colour.
        holes: cut out of the body.
        shade: details in a darker or lighter tone of the object's colour.
        light: small pale details (windows, eyes).
        dark: small dark details (pupils, wheels, stems).
        handed: whether the mirror image looks different.
    """

    body: tuple[Outline, ...]
    holes: tuple[Outline, ...] = ()
    shade: tuple[Outline, ...] = ()
    light: tuple[Outline, ...] = ()
    dark: tuple[Outline, ...] = ()
    handed: bool = False


def polygon(points: Points) -> Outline:
    """The polygon through `points`, shape (points, 2)."""
    return np.asarray(points, dtype=np.float64)


def mirrored(points: Points) -> Outline:
    """A left-right symmetric polygon from its right half, given from top to bottom."""
    right = polygon(points)
    return np.concatenate([right, right[::-1] * (-1, 1)])


def ellipse(x: float, y: float, *, rx: float, ry: float | None = None, turn: float = 0.0, n: int = 40) -> Outline:
    """An ellipse of radii `rx`, `ry` (a circle without `ry`) about (x, y), turned by `turn` degrees."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    points = np.stack([rx * np.cos(angle), (rx if ry is None else ry) * np.sin(angle)], axis=1)
    return np.add(turned(points, turn), (x, y))


def arc(x: float, y: float, *, rx: float, ry: float, start: float, end: float, n: int = 24) -> Outline:
    """Points of an elliptic arc from `start` to `end` degrees, clockwise on screen; not closed."""
    angle = np.radians(np.linspace(start, end, n))
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def box(left: float, top: float, right: float, bottom: float) -> Outline:
    """An upright rectangle."""
    return polygon([(left, top), (right, top), (right, bottom), (left, bottom)])


def turned(outline: Outline, degrees: float) -> Outline:
    """The outline turned about the origin, clockwise on screen."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(outline @ np.array([[c, s], [-s, c]]))


def smooth(points: Points | Outline, steps: int = 6) -> Outline:
    """A closed Catmull-Rom curve through `points`, `steps` samples for each."""
    p = np.asarray(points, dtype=np.float64)
    before, after, beyond = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (q[:, None] for q in (before, p, after, beyond))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve.reshape(-1, 2))


def stroke(points: Points | Outline, width: float) -> tuple[Outline, ...]:
    """An open line of the given width with a round start and end, as one band and two discs."""
    p = np.asarray(points, dtype=np.float64)
    along = np.gradient(p, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = along[:, ::-1] * (-1, 1) * width / 2
    band = np.concatenate([p + side, (p - side)[::-1]])
    return band, *(ellipse(x, y, rx=width / 2, n=12) for x, y in (p[0], p[-1]))
