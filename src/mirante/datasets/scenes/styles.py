"""Styles: how an object's surface, its edge and the picture behind it are rendered.

A style is a handful of numbers and textures; `mirante.datasets.scenes.drawing` composes them. Two are kept out of
training as shifted domains: the mosaic, which a model of the others still reads, and chalk on a blackboard, which it
does not.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mirante.errors import UnknownName

Floats = NDArray[np.float32]
Colour = tuple[int, int, int]

TILES = 20  # tiles along the side of a mosaic


def plain(red: int, green: int, blue: int) -> Floats:
    """A colour as (3, 1, 1), to be mixed with pictures (3, height, width)."""
    return np.array((red, green, blue), dtype=np.float32)[:, None, None]


PAPER = plain(250, 246, 236)
BOARD = (38, 50, 46)


@dataclass(frozen=True)
class Style:
    """How one style renders.

    Attributes:
        outline: width of the dark outline, in units of the object's box.
        outline_strength: its opacity, 0 to 1.
        blur: softness of edges, in units of the box.
        wobble: how far edges wander, in units of the box.
        lighten: how far fills go towards the paper, 0 to 1.
        fade: how far the background goes towards the paper, 0 to 1.
        grain: depth of the hatch texture, 0 to 1.
        wash: depth of slow variations of tone, 0 to 1.
        tiles: whether the picture is laid in tiles.
        board: share of a blackboard that is seen through the background, 0 to 1.
        gaps: depth of the strokes where chalk leaves the blackboard bare, 0 to 1.
        ink: colour of the outline.
        halo: colour of the rim that parts the outline from the background.
    """

    outline: float = 0.05
    outline_strength: float = 1.0
    blur: float = 0.0
    wobble: float = 0.0
    lighten: float = 0.0
    fade: float = 0.0
    grain: float = 0.0
    wash: float = 0.0
    tiles: bool = False
    board: float = 0.0
    gaps: float = 0.0
    ink: Colour = (26, 24, 34)
    halo: Colour = (252, 250, 244)


STYLES: dict[str, Style] = {
    "flat": Style(),
    "ink": Style(outline=0.068, wobble=0.016, lighten=0.10, fade=0.30, wash=0.05),
    "crayon": Style(outline=0.055, outline_strength=0.88, wobble=0.012, lighten=0.04, fade=0.12, grain=0.26),
    "watercolour": Style(
        outline=0.045, outline_strength=0.72, blur=0.035, wobble=0.010, lighten=0.05, fade=0.18, wash=0.17
    ),
    "mosaic": Style(outline=0.055, tiles=True),
    "chalk": Style(outline_strength=0.9, wobble=0.016, board=0.5, gaps=0.25, ink=(236, 236, 226), halo=BOARD),
}


def style_of(name: str) -> Style:
    """The style of that name.

    Raises:
        UnknownName: no such style.
    """
    if name not in STYLES:
        raise UnknownName("style", name, STYLES)
    return STYLES[name]


def _noise(seed: int, cells: int, resolution: int) -> Floats:
    lattice = np.random.default_rng(seed).uniform(-1, 1, (cells, cells)).astype(np.float32)
    size = (resolution, resolution)
    return np.asarray(Image.fromarray(lattice).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)


@lru_cache(maxsize=16)
def cloud(resolution: int) -> Floats:
    """Slow noise in about [-1, 1], shape (2·resolution, 2·resolution); a picture takes a window of it."""
    side = 2 * resolution
    return np.asarray(np.clip(0.7 * _noise(1, 10, side) + 0.5 * _noise(2, 30, side), -1, 1), dtype=np.float32)


@lru_cache(maxsize=16)
def hatch(resolution: int) -> Floats:
    """Slanted crayon strokes in about [-1, 1], shape (2·resolution, 2·resolution)."""
    side = 2 * resolution
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / resolution
    wander = 0.02 * _noise(3, 24, side)
    strokes = np.sin(2 * np.pi * 25 * (0.72 * x + 0.69 * y + wander))
    return np.asarray(np.clip(0.5 * strokes + 0.7 * _noise(4, min(side, 160), side), -1, 1), dtype=np.float32)


@lru_cache(maxsize=16)
def strokes(resolution: int) -> Floats:
    """Broad strokes of chalk in about [-1, 1], shape (2·resolution, 2·resolution)."""
    side = 2 * resolution
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / resolution
    wave = np.sin(2 * np.pi * 14 * (0.72 * x + 0.69 * y + 0.03 * _noise(5, 24, side)))
    return np.asarray(np.clip(0.5 * wave + 0.7 * _noise(6, 60, side), -1, 1), dtype=np.float32)


@lru_cache(maxsize=16)
def tile_numbers(resolution: int) -> tuple[NDArray[np.int64], Floats]:
    """For each pixel the number of its tile, and the share of it that is grout, both (resolution, resolution)."""
    at = (np.arange(resolution) + 0.5) / resolution * TILES
    index = at.astype(np.int64)
    near = np.minimum(at - index, index + 1 - at).astype(np.float32)
    joint = np.clip((0.09 - near) * resolution / TILES + 0.5, 0, 1)
    grout: Floats = np.maximum(joint[:, None], joint[None, :])
    return index[:, None] * TILES + index[None, :], grout


def tiled(picture: Floats) -> Floats:
    """Each tile takes its mean colour: (3, resolution, resolution) to the same shape."""
    resolution = picture.shape[-1]
    image = Image.fromarray(np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8).transpose(1, 2, 0)))
    small = np.asarray(image.resize((TILES, TILES), Image.Resampling.BOX), dtype=np.float32).reshape(-1, 3)
    return np.asarray(small.T[:, tile_numbers(resolution)[0]])


def window(texture: Floats, offset: tuple[float, float], resolution: int) -> Floats:
    """The (resolution, resolution) part of a double-sized texture at an offset in [0, 1)²."""
    y, x = int(offset[0] * resolution), int(offset[1] * resolution)
    part: Floats = texture[y : y + resolution, x : x + resolution]
    return part


def ground(picture: Floats, style: Style, offset: tuple[float, float]) -> Floats:
    """Render a background, (3, resolution, resolution), in a style."""
    resolution = picture.shape[-1]
    if style.tiles:
        picture = tiled(picture)
    if style.fade:
        bright = picture.mean() / 255  # dark places stay dark: the night must not turn into fog
        picture = picture + (PAPER - picture) * np.float32(style.fade * min(1.0, bright * 1.4) ** 2)
    if style.wash:
        picture = picture * (1 + np.float32(0.4 * style.wash) * window(cloud(resolution), offset, resolution))
    if style.grain:
        picture = picture + np.float32(50 * style.grain) * window(hatch(resolution), offset, resolution)
    if style.board:
        bare = style.board + 0.5 * style.gaps * window(strokes(resolution), offset, resolution)
        picture = picture + (plain(*BOARD) - picture) * np.clip(bare, 0, 1).astype(np.float32)
    return picture
