"""Draw a scene: background, then each thing as halo, outline, surface and details, in the scene's style.

Everything is placed in units of the picture's side, so that a scene keeps its composition at any resolution, and every
variation comes from the scene's seed, so that a scene always gives the same picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mirante.datasets.scenes.backgrounds import LAYOUTS, background
from mirante.datasets.scenes.shapes import REACH, SIDE, SPAN, field_of, shape_of
from mirante.datasets.scenes.styles import (
    BOARD,
    PAPER,
    Style,
    cloud,
    ground,
    hatch,
    plain,
    strokes,
    style_of,
    tile_numbers,
    tiled,
    window,
)
from mirante.datasets.scenes.world import Scene, Thing
from mirante.errors import UnknownName, UsageError

Floats = NDArray[np.float32]

# The colour and the tone of its patterns and details.
PALETTE: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "red": ((216, 38, 42), (142, 8, 26)),
    "orange": ((244, 130, 24), (255, 182, 88)),
    "yellow": ((252, 214, 40), (236, 180, 24)),
    "green": ((50, 158, 66), (126, 206, 120)),
    "blue": ((40, 96, 208), (122, 174, 248)),
    "purple": ((124, 54, 168), (182, 122, 220)),
    "pink": ((248, 146, 190), (222, 98, 154)),
    "brown": ((122, 76, 44), (182, 130, 88)),
    "white": ((248, 248, 246), (188, 194, 204)),
    "black": ((38, 38, 44), (104, 104, 112)),
}
PALE = plain(250, 240, 220)
DARK = plain(50, 44, 50)
HALO_WIDTH, HALO_STRENGTH = 0.035, 0.75
SMALLEST, LARGEST = 32, 1024


@dataclass(frozen=True)
class Pose:
    """How one thing stands: turn in radians, stretch of width over height, mirrored or not, shift of brightness."""

    turn: float
    stretch: float
    mirrored: bool
    tint: Floats


def _ramp(distance: Floats, width: float) -> Floats:
    """From 0 outside to 1 inside, over a ramp of `width` centred on distance 0."""
    share = distance / np.float32(width)
    share += np.float32(0.5)
    np.maximum(share, 0, out=share)
    np.minimum(share, 1, out=share)
    return share


@dataclass(frozen=True)
class Patch:
    """The part of the picture that a thing covers, and its distance field there.

    Attributes:
        rows, columns: the pixels, as slices.
        u, v: position in the thing's box, each (height, width), 0 at its centre.
        layers: (4, height, width) signed distances to body, shade, light and dark, in units of the box.
        pixel: side of a pixel in the same units.
    """

    rows: slice
    columns: slice
    u: Floats
    v: Floats
    layers: Floats
    pixel: float

    def cover(self, layer: int, grow: float = 0.0, blur: float = 0.0) -> Floats:
        """How much of each pixel lies inside a layer that is grown by `grow`: (height, width), 0 to 1."""
        ramp = max(self.pixel, blur)
        return _ramp(self.layers[layer] + np.float32(grow), ramp)


def _pose(kind: str, numbers: NDArray[np.float64]) -> Pose:
    turn, stretch, mirror, light, *tint = numbers.tolist()
    return Pose(
        turn=np.radians(16 * (turn - 0.5)),
        stretch=1 + 0.12 * (stretch - 0.5),
        mirrored=shape_of(kind).handed and mirror < 0.5,
        tint=np.array([1 + 0.10 * (light - 0.5) + 0.05 * (t - 0.5) for t in tint], dtype=np.float32)[:, None, None],
    )


def _patch(thing: Thing, pose: Pose, resolution: int) -> Patch | None:
    half = thing.extent * 0.66
    low = [max(0, int((centre - half) * resolution)) for centre in (thing.x, thing.y)]
    high = [min(resolution, int((centre + half) * resolution) + 1) for centre in (thing.x, thing.y)]
    width, height = high[0] - low[0], high[1] - low[1]
    if width <= 0 or height <= 0:
        return None
    c, s = np.cos(pose.turn), np.sin(pose.turn)
    flip = -1 if pose.mirrored else 1
    size = thing.extent * resolution
    a, b = flip * c / pose.stretch / size, flip * s / pose.stretch / size
    d, e = -s * pose.stretch / size, c * pose.stretch / size
    dx, dy = low[0] - thing.x * resolution, low[1] - thing.y * resolution
    to_u, to_v = (a, b, a * dx + b * dy), (d, e, d * dx + e * dy)
    affine = [k * SIDE / SPAN for k in (*to_u, *to_v)]
    affine[2], affine[5] = affine[2] + SIDE / 2, affine[5] + SIDE / 2
    box = (width, height)
    image = field_of(thing.kind).transform(box, Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    layers = (np.asarray(image).transpose(2, 0, 1).astype(np.float32, order="C") - 128) * np.float32(REACH / 127)
    x, y = np.arange(width, dtype=np.float32) + 0.5, (np.arange(height, dtype=np.float32) + 0.5)[:, None]
    u = (np.float32(a) * x + np.float32(b) * y) + np.float32(to_u[2])
    v = (np.float32(d) * x + np.float32(e) * y) + np.float32(to_v[2])
    return Patch(slice(low[1], high[1]), slice(low[0], high[0]), u, v, layers, 1 / size)


def _stripes(patch: Patch) -> Floats:
    phase = (0.45 * patch.u + 0.89 * patch.v) / 0.27
    distance = np.abs(phase - np.floor(phase) - np.float32(0.5)) * np.float32(0.27)
    return _ramp(np.float32(0.066) - distance, patch.pixel)


def _dots(patch: Patch) -> Floats:
    row = np.floor(patch.v / 0.28 + 0.5)
    du = patch.u / 0.32 + 0.5 * (row % 2)
    du, dv = (du - np.floor(du + 0.5)) * 0.32, patch.v - row * 0.28
    distance = np.sqrt(du * du + dv * dv)
    return _ramp(np.float32(0.088) - distance, patch.pixel)


PATTERNS = {"plain": None, "striped": _stripes, "dotted": _dots}


def _blend(under: Floats, over: Floats, share: Floats) -> Floats:
    mixed: Floats = (over - under) * share
    mixed += under
    return mixed


def _surface(thing: Thing, pose: Pose, patch: Patch, style: Style, textures: tuple[Floats, ...]) -> Floats:
    for kind, name, valid in (("colour", thing.colour, PALETTE), ("pattern", thing.pattern, PATTERNS)):
        if name not in valid:
            raise UnknownName(kind, name, valid)
    base, tone = (plain(*c) * pose.tint for c in PALETTE[thing.colour])
    share = 0.75 * patch.cover(1)
    pattern = PATTERNS[thing.pattern]
    if pattern is not None:
        share = np.maximum(share * np.float32(0.5), pattern(patch))
    surface = _blend(base, tone, share)
    if style.lighten:
        surface += (PAPER - surface) * np.float32(style.lighten)
    slow, grain, stroke = textures
    if style.wash:
        pooled = np.clip(1 - patch.layers[0] / np.float32(0.14), 0, 1) * np.float32(0.5)
        surface *= 1 + np.float32(style.wash) * (slow - pooled)
    if style.grain:
        light = np.clip(grain, 0, 1) * np.float32(style.grain)
        surface = _blend(surface * (1 + np.float32(0.12) * grain), PAPER, light)
    surface = _blend(surface, PALE, patch.cover(2))
    surface = _blend(surface, DARK, patch.cover(3))
    if style.gaps:
        surface = _blend(surface, plain(*BOARD), np.clip(np.float32(style.gaps) * (stroke + np.float32(0.35)), 0, 1))
    return surface


def _paint(canvas: Floats, thing: Thing, pose: Pose, style: Style, offset: tuple[float, float]) -> None:
    resolution = canvas.shape[-1]
    patch = _patch(thing, pose, resolution)
    if patch is None:
        return
    part = (patch.rows, patch.columns)
    textures = tuple(window(texture(resolution), offset, resolution)[part] for texture in (cloud, hatch, strokes))
    if style.wobble:
        patch.layers[0] += np.float32(style.wobble) * textures[0]
    under = canvas[:, *part]
    width = style.outline
    under = _blend(
        under, plain(*style.halo), patch.cover(0, width + HALO_WIDTH, style.blur) * np.float32(HALO_STRENGTH)
    )
    under = _blend(under, plain(*style.ink), patch.cover(0, width, style.blur) * np.float32(style.outline_strength))
    surface = _surface(thing, pose, patch, style, textures)
    canvas[:, *part] = _blend(under, surface, patch.cover(0, 0, style.blur))


def _lay_tiles(canvas: Floats, offset: tuple[float, float]) -> None:
    number, grout = tile_numbers(canvas.shape[-1])
    tones = np.random.default_rng(int(offset[0] * 1000)).uniform(0.90, 1.10, number.max() + 1).astype(np.float32)
    canvas *= tones[number]
    canvas += (np.float32(84) - canvas) * (np.float32(0.38) * grout)


def draw(scene: Scene, resolution: int) -> Image.Image:
    """Draw a scene as an RGB picture of `resolution` × `resolution` pixels.

    The same scene and resolution give the same bytes; another resolution gives the same composition.

    Args:
        scene: things in painting order, background, style and seed.
        resolution: side in pixels, 32 to 1024.

    Raises:
        UsageError: a resolution outside 32 to 1024.
        UnknownName: a kind, colour, pattern, background or style that does not exist.
    """
    if not SMALLEST <= resolution <= LARGEST:
        raise UsageError(
            f"Resolution {resolution} is outside {SMALLEST} to {LARGEST} pixels. Draw at one inside and resize."
        )
    style = style_of(scene.style)
    numbers = np.random.default_rng(scene.seed).random((len(scene.things) + 1, 7))
    layout, mirror, light, down, right, *_ = numbers[0].tolist()
    offset = (down, right)
    place = background(scene.background, int(layout * LAYOUTS), resolution)
    place = place[:, ::-1] if mirror < 0.5 else place
    canvas = ground(
        place.transpose(2, 0, 1).astype(np.float32, order="C") * np.float32(1 + 0.12 * (light - 0.5)), style, offset
    )
    for thing, row in zip(scene.things, numbers[1:], strict=True):
        _paint(canvas, thing, _pose(thing.kind, row), style, offset)
    if style.tiles:
        canvas += (tiled(canvas) - canvas) * np.float32(0.4)
        _lay_tiles(canvas, offset)
    levels = np.clip(canvas + np.float32(0.5), 0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
