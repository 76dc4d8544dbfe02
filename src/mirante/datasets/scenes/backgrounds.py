"""Backgrounds: eight muted places, drawn once per layout and kept.

A place is a vertical gradient, a few low-contrast decorations drawn with Pillow on a larger canvas, and nothing that
could be taken for one of the objects or counted among them.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mirante.errors import UnknownName

Bytes = NDArray[np.uint8]
Colour = tuple[int, int, int]

LAYOUTS = 24  # different layouts of each place
LARGEST_CANVAS = 1536


class Canvas:
    """A drawing surface measured in units of the picture's side, y downwards."""

    def __init__(self, side: int, stops: list[tuple[float, Colour]]) -> None:
        self.side = side
        heights = np.linspace(0, 1, side)
        where = [stop for stop, _ in stops]
        column = np.stack([np.interp(heights, where, [colour[c] for _, colour in stops]) for c in range(3)], axis=1)
        rows = np.broadcast_to(np.rint(column).astype(np.uint8)[:, None], (side, side, 3))
        self.image = Image.fromarray(np.ascontiguousarray(rows))
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    def area(self, points: list[tuple[float, float]], colour: Colour, strength: float = 1.0) -> None:
        """Fill a polygon."""
        scaled = [(x * self.side, y * self.side) for x, y in points]
        self._draw.polygon(scaled, fill=(*colour, round(255 * strength)))

    def spot(self, x: float, y: float, *, rx: float, ry: float | None = None, colour: Colour, strength: float) -> None:
        """Fill an ellipse."""
        s, ry = self.side, rx if ry is None else ry
        self._draw.ellipse(
            ((x - rx) * s, (y - ry) * s, (x + rx) * s, (y + ry) * s), fill=(*colour, round(255 * strength))
        )

    def below(
        self, edge: Callable[[NDArray[np.float64]], NDArray[np.float64]], colour: Colour, strength: float = 1.0
    ) -> None:
        """Fill everything below the curve y = edge(x)."""
        x = np.linspace(-0.02, 1.02, 80)
        line = list(zip(x.tolist(), edge(x).tolist(), strict=True))
        self.area([*line, (1.02, 1.02), (-0.02, 1.02)], colour, strength)


def _hill(rng: Generator, base: float, height: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    a, b = rng.uniform(0, 2 * np.pi, 2)
    f, g = rng.uniform(3, 5), rng.uniform(7, 10)
    return lambda x: base + height * (0.7 * np.sin(f * x + a) + 0.3 * np.sin(g * x + b))


def _clouds(canvas: Canvas, rng: Generator, colour: Colour, strength: float) -> None:
    for y in rng.uniform(0.05, 0.3, 3):
        x, w = rng.uniform(0, 1), rng.uniform(0.12, 0.22)
        for dx, dy, r in ((-0.5, 0.012, 0.6), (0, 0, 1.0), (0.5, 0.014, 0.7)):
            canvas.spot(x + dx * w, y + dy, rx=w * r, ry=0.028 * r, colour=colour, strength=strength)


def beach(side: int, rng: Generator) -> Canvas:
    """Pale sky, a band of sea with wave lines, sand, a pale palm leaning in from one side."""
    horizon, shore = rng.uniform(0.34, 0.44), rng.uniform(0.62, 0.70)
    canvas = Canvas(
        side,
        [
            (0, (150, 203, 228)),
            (horizon, (208, 232, 236)),
            (horizon + 1e-3, (92, 176, 190)),
            (shore, (146, 208, 205)),
            (1, (150, 208, 205)),
        ],
    )
    _clouds(canvas, rng, (255, 255, 255), 0.35)
    for y in np.linspace(horizon + 0.05, shore - 0.03, 3):
        wave = _hill(rng, float(y), 0.006)
        x = np.linspace(0, 1, 60)
        top = list(zip(x.tolist(), wave(x).tolist(), strict=True))
        canvas.area([*top, *[(a, b + 0.008) for a, b in reversed(top)]], (225, 243, 240), 0.35)
    edge = _hill(rng, shore, 0.02)
    canvas.below(lambda x: edge(x) - 0.02, (236, 246, 240), 0.6)
    canvas.below(edge, (232, 212, 170))
    canvas.below(lambda x: edge(x) + 0.1, (238, 220, 182), 0.7)
    for x, y in rng.uniform((0, shore + 0.08), (1, 1), (40, 2)):
        canvas.spot(x, y, rx=0.004, colour=(205, 182, 140), strength=0.5)
    return canvas


def city(side: int, rng: Generator) -> Canvas:
    """Two rows of towers in the haze, dim windows, a street."""
    canvas = Canvas(side, [(0, (176, 182, 202)), (0.6, (219, 212, 216)), (1, (190, 186, 196))])
    for base, colour, spread in ((0.36, (182, 180, 198), 0.14), (0.52, (152, 152, 174), 0.13)):
        x = -rng.uniform(0, 0.1)
        while x < 1:
            w, top = rng.uniform(0.09, 0.16), base + rng.uniform(-spread, spread)
            canvas.area([(x, top), (x + w, top), (x + w, 0.82), (x, 0.82)], colour)
            if base > 0.5:
                for wy in np.arange(top + 0.03, 0.78, 0.05):
                    for wx in np.arange(x + 0.02, x + w - 0.02, 0.034):
                        canvas.area(
                            [(wx, wy), (wx + 0.016, wy), (wx + 0.016, wy + 0.024), (wx, wy + 0.024)],
                            (214, 206, 190),
                            0.55,
                        )
            x += w + rng.uniform(0.0, 0.02)
    canvas.area([(0, 0.80), (1, 0.80), (1, 1), (0, 1)], (128, 128, 142))
    canvas.area([(0, 0.80), (1, 0.80), (1, 0.83), (0, 0.83)], (168, 166, 176))
    for x in np.arange(rng.uniform(-0.1, 0), 1, 0.2):
        canvas.area([(x, 0.91), (x + 0.1, 0.91), (x + 0.1, 0.925), (x, 0.925)], (190, 188, 190), 0.6)
    return canvas


def desert(side: int, rng: Generator) -> Canvas:
    """A warm pale sky over three dunes with rippled sand."""
    canvas = Canvas(side, [(0, (236, 214, 186)), (0.5, (246, 230, 200)), (1, (220, 180, 126))])
    for base, colour in ((0.46, (226, 190, 146)), (0.60, (214, 174, 124)), (0.78, (202, 158, 106))):
        edge = _hill(rng, base + rng.uniform(-0.03, 0.03), 0.06)
        canvas.below(edge, colour)
        canvas.below(lambda x, e=edge: e(x) + 0.035 + 0.02 * np.sin(5 * x), (192, 146, 98), 0.22)  # type: ignore[misc]
    for y in np.linspace(0.84, 0.98, 4):
        ripple = _hill(rng, float(y), 0.012)
        x = np.linspace(0, 1, 60)
        top = list(zip(x.tolist(), ripple(x).tolist(), strict=True))
        canvas.area([*top, *[(a, b + 0.006) for a, b in reversed(top)]], (176, 132, 86), 0.4)
    return canvas


def field(side: int, rng: Generator) -> Canvas:
    """Soft hills, a meadow with blades of grass, a clear sky."""
    canvas = Canvas(side, [(0, (158, 208, 236)), (0.5, (220, 238, 232)), (1, (150, 196, 112))])
    _clouds(canvas, rng, (255, 255, 255), 0.5)
    for base, colour in ((0.46, (176, 210, 160)), (0.56, (158, 200, 130)), (0.70, (140, 188, 108))):
        canvas.below(_hill(rng, base, 0.035), colour)
    for x, y in rng.uniform((0, 0.62), (1, 1.0), (90, 2)):
        h, lean = 0.02 + 0.03 * (y - 0.6), rng.uniform(-0.01, 0.01)
        canvas.area([(x - 0.005, y), (x + 0.005, y), (x + lean, y - h)], (112, 164, 84), 0.55)
    return canvas


def night(side: int, rng: Generator) -> Canvas:
    """A deep blue sky with a dust of tiny stars over dark hills."""
    canvas = Canvas(side, [(0, (22, 26, 58)), (0.7, (48, 54, 100)), (1, (60, 62, 108))])
    for x, y in rng.uniform((0, 0), (1, 0.72), (70, 2)):
        canvas.spot(x, y, rx=rng.uniform(0.002, 0.0048), colour=(220, 222, 245), strength=rng.uniform(0.3, 0.75))
    for base, colour in ((0.76, (38, 44, 80)), (0.86, (26, 32, 60))):
        canvas.below(_hill(rng, base, 0.03), colour)
    return canvas


def sea(side: int, rng: Generator) -> Canvas:
    """Under water: slanting light, weed and a pale bed."""
    canvas = Canvas(side, [(0, (108, 196, 200)), (0.5, (48, 142, 160)), (1, (22, 92, 118))])
    for x in rng.uniform(-0.1, 1.0, 4):
        w = rng.uniform(0.05, 0.11)
        canvas.area([(x, 0), (x + w, 0), (x + 0.5 * w - 0.2, 0.9), (x - w - 0.2, 0.9)], (190, 236, 230), 0.10)
    canvas.below(_hill(rng, 0.90, 0.02), (70, 122, 126), 0.8)
    for x in rng.uniform(0.0, 1.0, 9):
        sway, top = rng.uniform(-0.04, 0.04), rng.uniform(0.66, 0.84)
        y = np.linspace(1.0, top, 14)
        centre = x + sway * np.sin((1 - y) * 22)
        half = 0.014 * (y - top) / (1 - top) + 0.002
        left, right = centre - half, centre + half
        points = [
            *zip(left.tolist(), y.tolist(), strict=True),
            *zip(right[::-1].tolist(), y[::-1].tolist(), strict=True),
        ]
        canvas.area(points, (26, 104, 104), 0.6)
    for x, y in rng.uniform((0, 0.1), (1, 0.8), (14, 2)):
        canvas.spot(x, y, rx=0.007, colour=(190, 232, 232), strength=0.3)
    return canvas


def snow(side: int, rng: Generator) -> Canvas:
    """Grey-blue sky, white slopes, falling flakes."""
    canvas = Canvas(side, [(0, (186, 200, 216)), (0.55, (222, 230, 238)), (1, (244, 247, 250))])
    for base, colour in ((0.48, (212, 222, 234)), (0.60, (226, 234, 243)), (0.76, (240, 245, 250))):
        canvas.below(_hill(rng, base, 0.05), colour)
    for x, y in rng.uniform(0, 1, (90, 2)):
        r = rng.uniform(0.003, 0.008)
        canvas.spot(x, y, rx=r, colour=(255, 255, 255) if y < 0.5 else (206, 220, 236), strength=0.75)
    return canvas


def sunset(side: int, rng: Generator) -> Canvas:
    """Violet to amber with streaks of cloud, a glow on the horizon, dark still water."""
    horizon, glow = rng.uniform(0.60, 0.68), rng.uniform(0.25, 0.75)
    canvas = Canvas(
        side,
        [
            (0, (116, 92, 146)),
            (0.35, (198, 122, 140)),
            (horizon, (248, 190, 130)),
            (horizon + 1e-3, (176, 112, 128)),
            (1, (84, 70, 116)),
        ],
    )
    for r in np.linspace(0.42, 0.06, 9):
        canvas.spot(glow, horizon, rx=float(r), ry=float(r) * 0.7, colour=(255, 220, 160), strength=0.06)
    for y in rng.uniform(0.08, horizon - 0.12, 5):
        x, w = rng.uniform(0, 1), rng.uniform(0.2, 0.45)
        canvas.spot(x, y, rx=w, ry=0.013, colour=(246, 176, 150), strength=0.3)
    canvas.area([(0, horizon), (1, horizon), (1, 1), (0, 1)], (150, 100, 124), 0.55)
    for y in np.linspace(horizon + 0.03, 0.97, 8):
        w = rng.uniform(0.05, 0.2) * (1.3 - y)
        x = glow + rng.uniform(-0.06, 0.06)
        canvas.spot(x, float(y), rx=w + 0.03, ry=0.006, colour=(250, 196, 150), strength=0.4)
    return canvas


PLACES: dict[str, Callable[[int, Generator], Canvas]] = {
    f.__name__: f for f in (beach, city, desert, field, night, sea, snow, sunset)
}


def _draw(place: str, layout: int, resolution: int) -> Bytes:
    if place not in PLACES:
        raise UnknownName("background", place, PLACES)
    side = max(resolution, min(4 * resolution, LARGEST_CANVAS))
    rng = np.random.default_rng([sorted(PLACES).index(place), layout])
    image = PLACES[place](side, rng).image
    return np.asarray(image.resize((resolution, resolution), Image.Resampling.BOX))


@lru_cache(maxsize=1024)
def _kept(place: str, layout: int, resolution: int) -> Bytes:
    return _draw(place, layout, resolution)


def background(place: str, layout: int, resolution: int) -> Bytes:
    """A place in one of its layouts.

    Args:
        place: one of `PLACES`.
        layout: 0 to `LAYOUTS` - 1.
        resolution: side in pixels.

    Returns:
        (resolution, resolution, 3), read-only bytes; small ones are kept between calls.

    Raises:
        UnknownName: no such place.
    """
    return (_kept if resolution <= 128 else _draw)(place, layout, resolution)
