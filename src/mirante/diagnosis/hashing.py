"""A perceptual hash of 190 bits, and the pictures whose hashes are near: the candidates for a closer look.

The hash is that of low frequencies: the signs of the first cosine coefficients against their median (the "pHash" of
Zauner 2010, "Implementation and benchmarking of perceptual image hash functions"), 120 of the luminance and 35 of each
colour difference. A crop moves every frequency, so each picture is also hashed as six of its own crops, of 95 and 90 %:
a cropped copy is near to one of them.
"""

from collections.abc import Iterator
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.diagnosis.fingerprints import SIDE, Thumbnails

Hashes: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float32]

_CORNERS = tuple((0.95, left, top) for left in (0.0, 0.05) for top in (0.0, 0.05))
CROPS = ((1.0, 0.0, 0.0), *_CORNERS, (0.95, 0.025, 0.025), (0.9, 0.05, 0.05))
"""Share of the side, and where it starts from the left and from the top."""

NEAR = 56
"""Bits that may differ: 99 % of copies cropped by a tenth differ by less."""

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_GRID, _COLOUR_GRID = 11, 6
_NOISE = 2.5 * SIDE
"""A coefficient this near to the median is as good as zero: what rounding to 8 bits and JPEG leave in a flat plane."""
_FIRST = 24
"""Bits of the first 64, the lowest frequencies, that may differ: strangers differ by 32 on average."""
_CHUNK = 2048
_CELLS = 4_000_000


def hashes(thumbnails: Thumbnails) -> Hashes:
    """Hash every picture and its crops.

    Args:
        thumbnails: (n, 48, 48, 3) uint8.

    Returns:
        (n, 7, 3) uint64; the first of the seven is that of the whole picture. 168 bytes a picture.
    """
    made = np.empty((len(thumbnails), len(CROPS), 3), np.uint64)
    for start in range(0, len(thumbnails), _CHUNK):
        part = thumbnails[start : start + _CHUNK].astype(np.float32)
        luminance = part @ _LUMINANCE
        planes = (luminance, _GRID), (part[..., 2] - luminance, _COLOUR_GRID), (part[..., 0] - luminance, _COLOUR_GRID)
        for at, crop in enumerate(CROPS):
            signs = np.concatenate([_signs(plane, grid, crop) for plane, grid in planes], axis=1)
            padded = np.pad(signs, ((0, 0), (0, 192 - signs.shape[1])))
            made[start : start + _CHUNK, at] = np.packbits(padded, axis=1).view(np.uint64)
    return made


def neighbours(asked: Hashes, known: Hashes, *, most: int = 8, itself: bool = False) -> Iterator[tuple[int, int]]:
    """Pairs of numbers (asked, known) whose hashes differ by at most `NEAR` bits, for each asked one its nearest.

    The whole of one picture is compared with the whole and the crops of the other, both ways: 13 comparisons, of the
    first of three words and of the others where that is near, in blocks of 4 million cells (100 MB), with no index to
    build.

    Args:
        asked: (n, 7, 3) of `hashes`.
        known: (m, 7, 3).
        most: candidates of each asked picture.
        itself: both are the same pictures; each pair comes once, the lower number first.
    """
    step = max(1, _CELLS // max(1, len(known)))
    for start in range(0, len(asked), step):
        part = asked[start : start + step]
        distance = _distances(part, known, itself=itself)
        if itself:
            distance[np.arange(len(part)), np.arange(start, start + len(part))] = 255
        kept = min(most, distance.shape[1])
        nearest = np.argpartition(distance, kept - 1, axis=1)[:, :kept] if kept else np.empty((len(part), 0), np.int64)
        rows, columns = np.nonzero(np.take_along_axis(distance, nearest, axis=1) <= NEAR)
        for row, column in zip((rows + start).tolist(), nearest[rows, columns].tolist(), strict=True):
            yield (min(row, column), max(row, column)) if itself else (row, column)


def _distances(asked: Hashes, known: Hashes, *, itself: bool = False) -> NDArray[np.uint8]:
    """The least number of bits that differ between one whole and the other's crops, (n, m) uint8; 255 for many.

    Of the same pictures every pair comes twice, so that one way suffices.
    """
    least = np.full((len(asked), len(known)), 255, np.uint8)
    pairs = [(0, crop) for crop in range(len(CROPS))]
    if not itself:
        pairs += [(crop, 0) for crop in range(1, len(CROPS))]
    for mine, theirs in pairs:
        first = np.bitwise_count(asked[:, None, mine, 0] ^ known[None, :, theirs, 0])
        rows, columns = np.nonzero(first <= _FIRST)
        rest = np.bitwise_count(asked[rows, mine, 1:] ^ known[columns, theirs, 1:]).sum(axis=1, dtype=np.uint8)
        least[rows, columns] = np.minimum(least[rows, columns], first[rows, columns] + rest)
    return least


def _signs(plane: Floats, grid: int, crop: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Whether each low frequency but the constant one is above their median, (n, grid² − 1)."""
    share, left, top = crop
    across, down = _frequencies(grid, share, left), _frequencies(grid, share, top)
    found = (down @ plane @ across.T).reshape(len(plane), -1)[:, 1:]
    signs: NDArray[np.bool_] = found - np.median(found, axis=1, keepdims=True) > _NOISE
    return signs


@cache
def _frequencies(grid: int, share: float, start: float) -> Floats:
    """(grid, 48): the first cosines of a stretch of the side, read off by linear interpolation."""
    middle = (np.arange(SIDE) + 0.5) / SIDE
    cosines = np.cos(np.pi * np.arange(grid)[:, None] * middle)
    at = (share * middle + start) * SIDE - 0.5
    read = np.maximum(0, 1 - np.abs(np.clip(at, 0, SIDE - 1)[:, None] - np.arange(SIDE)))
    read_cosines: Floats = (cosines @ read).astype(np.float32)
    return read_cosines
