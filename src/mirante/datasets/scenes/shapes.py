"""Distance fields: each kind of object as a small picture of distances to its edges.

A field holds four layers (body, shade, light, dark). In each a value tells how far a point lies inside (positive)
or outside (negative) that layer's outlines, so that one field gives smooth edges, outlines and halos at any size.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mirante.datasets.scenes.shapes_nature import NATURE
from mirante.datasets.scenes.shapes_outlines import Outline, Shape
from mirante.datasets.scenes.shapes_things import THINGS
from mirante.errors import UnknownName

Floats = NDArray[np.float32]

SHAPES = {**NATURE, **THINGS}
SIDE = 192  # pixels of a field
SPAN = 1.3  # side of the square that a field covers, in units of the object's box
REACH = 0.16  # largest distance that a field tells, in the same units
BODY_SIDE = 0.90  # side of the silhouette's bounding box; the rest of the box is outline and halo


def distance(outline: Outline, x: Floats, y: Floats) -> Floats:
    """Signed distance from each point of a grid to a closed polygon, positive inside (even-odd rule).

    Args:
        outline: (points, 2).
        x: (width,), the grid's columns.
        y: (height,), the grid's rows.

    Returns:
        (height, width).
    """
    nearest = np.full((len(y), len(x)), np.inf, dtype=np.float32)
    inside = np.zeros(nearest.shape, dtype=bool)
    ys, xs = y[:, None], x[None, :]
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        dx, dy = np.float32(bx - ax), np.float32(by - ay)
        px, py = xs - np.float32(ax), ys - np.float32(ay)
        t = np.clip((px * dx + py * dy) / max(float(dx * dx + dy * dy), 1e-12), 0, 1)
        np.minimum(nearest, (px - t * dx) ** 2 + (py - t * dy) ** 2, out=nearest)
        if dy != 0:
            rows = (ys >= min(ay, by)) & (ys < max(ay, by))
            inside ^= rows & (px < py * (dx / dy))
    return np.asarray(np.sqrt(nearest) * np.where(inside, 1, -1), dtype=np.float32)


def _union(outlines: Sequence[Outline], x: Floats, y: Floats) -> Floats:
    layers = [distance(outline, x, y) for outline in outlines]
    return np.maximum.reduce(layers) if layers else np.full((len(y), len(x)), -1, dtype=np.float32)


def _framed(shape: Shape) -> tuple[tuple[Outline, ...], ...]:
    points = np.concatenate(shape.body)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = BODY_SIDE / float((high - low).max())
    centre = (low + high) / 2
    layers = (shape.body, shape.holes, shape.shade, shape.light, shape.dark)
    return tuple(tuple((outline - centre) * scale for outline in layer) for layer in layers)


@cache
def shape_of(kind: str) -> Shape:
    """The outlines of a kind.

    Raises:
        UnknownName: no such kind.
    """
    if kind not in SHAPES:
        raise UnknownName("kind of object", kind, SHAPES)
    return SHAPES[kind]()


@cache
def field_of(kind: str) -> Image.Image:
    """The distance field of a kind: a four-channel picture (body, shade, light, dark) of side `SIDE`.

    A channel's value v stands for the distance (v - 128) / 127 · `REACH`.

    Raises:
        UnknownName: no such kind.
    """
    body, holes, *details = _framed(shape_of(kind))
    grid = ((np.arange(SIDE) + 0.5) / SIDE - 0.5).astype(np.float32) * np.float32(SPAN)
    silhouette = _union(body, grid, grid)
    if holes:
        silhouette = np.minimum(silhouette, -_union(holes, grid, grid))
    layers = np.stack([silhouette, *(_union(layer, grid, grid) for layer in details)], axis=-1)
    levels = np.clip(np.rint(128 + layers * (127 / REACH)), 0, 255).astype(np.uint8)
    return Image.frombuffer("CMYK", (SIDE, SIDE), levels.tobytes(), "raw", "CMYK", 0, 1)
