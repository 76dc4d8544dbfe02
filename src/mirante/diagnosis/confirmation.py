"""Is one picture a copy of the other? Lay one over the other, and look at the place where they differ most.

Re-encoding, scaling and cropping leave every part of a picture alike; two drawings of one kind, or two photographs of
one place, differ much in a few parts. So the judgement is not on the mean but on the worst of 16 by 16 blocks, and what
a shift of one pixel would explain does not count, as edges never fall on the same pixels twice.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.diagnosis.fingerprints import SIDE, Thumbnails
from mirante.diagnosis.registration import IDENTITY, blurred, lay, register

Floats: TypeAlias = NDArray[np.float32]

DIFFERENCE = 20.0
"""Levels of 255 by which the worst block of a copy may differ beyond one pixel's shift."""

UNEXPLAINED = 0.1
"""Share of its variance that a copy may leave unexplained."""

FLAT = 3.0
"""A picture whose levels deviate by less is of one colour, and tells nothing about where it comes from."""

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_COARSE, _HOPELESS = 3, 0.6
_BLOCK = 3
_NOISE = 4.0
_PAIRS = 128


def copies(first: Thumbnails, second: Thumbnails) -> NDArray[np.bool_]:
    """Whether each picture is a copy of its partner: re-encoded, scaled, or with a crop of up to a tenth of a side.

    Args:
        first: (p, 48, 48, 3) uint8.
        second: (p, 48, 48, 3) uint8.

    Returns:
        (p,) bool. About a millisecond a pair; most strangers are dismissed sooner.
    """
    found = np.zeros(len(first), np.bool_)
    for start in range(0, len(first), _PAIRS):
        part = slice(start, start + _PAIRS)
        found[part] = _judged(first[part].astype(np.float32), second[part].astype(np.float32))
    return found


def _judged(first: Floats, second: Floats) -> NDArray[np.bool_]:
    grey, other = first @ _LUMINANCE, second @ _LUMINANCE
    telling = (grey.std(axis=(1, 2)) > FLAT) & (other.std(axis=(1, 2)) > FLAT)
    found = np.zeros(len(first), np.bool_)
    rest = np.flatnonzero(telling)
    if len(rest):
        found[rest] = _alike(first[rest], second[rest], grey[rest], other[rest])
    return found


def _alike(first: Floats, second: Floats, grey: Floats, other: Floats) -> NDArray[np.bool_]:
    """The judgement on small pictures, which dismisses most strangers, then on whole ones."""
    start = np.tile(np.array(IDENTITY, np.float32), (len(first), 1))
    small, smaller = (blurred(_shrunk(one), 1.0) for one in (grey, other))
    place = register(small, smaller, start, steps=6)
    alike = np.zeros(len(first), np.bool_)
    hopeful = np.flatnonzero(_unexplained(small[..., None], smaller[..., None], place) < _HOPELESS)
    if not len(hopeful):
        return alike
    place = place[hopeful]
    for blur, steps in ((1.2, 4), (0.5, 3)):
        place = register(blurred(grey[hopeful], blur), blurred(other[hopeful], blur), place, steps=steps)
    mine, theirs = (_smooth(one[hopeful]) for one in (first, second))
    alike[hopeful] = (_worst(mine, theirs, place) < DIFFERENCE) & (_unexplained(mine, theirs, place) < UNEXPLAINED)
    return alike


def _worst(first: Floats, second: Floats, place: Floats) -> Floats:
    """The greatest mean difference in a block of 3 by 3 pixels, over the channels, beyond one pixel's shift; (b,)."""
    most = np.zeros(first.shape[:3], np.float32)
    for channel in range(first.shape[3]):
        mine = first[..., channel]
        laid, inside = lay(second[..., channel], place)
        slope = np.maximum(_slope(mine), _slope(laid))
        np.maximum(most, np.where(inside, np.abs(mine - laid) - slope, 0), out=most)
    blocks = most.reshape(len(most), SIDE // _BLOCK, _BLOCK, SIDE // _BLOCK, _BLOCK).mean(axis=(2, 4))
    worst: Floats = blocks.reshape(len(most), -1).max(axis=1)
    return worst


def _unexplained(first: Floats, second: Floats, place: Floats) -> Floats:
    """Squared differences over the first picture's variance, where both show something; (b,)."""
    differences, variance = np.zeros(len(first), np.float32), np.zeros(len(first), np.float32)
    for channel in range(first.shape[3]):
        mine = first[..., channel]
        laid, inside = lay(second[..., channel], place)
        count = inside.sum(axis=(1, 2), dtype=np.float32)
        mean = (mine * inside).sum(axis=(1, 2)) / np.maximum(count, 1)
        differences += np.where(inside, (mine - laid) ** 2, 0).sum(axis=(1, 2))
        variance += np.where(inside, (mine - mean[:, None, None]) ** 2, 0).sum(axis=(1, 2)) + _NOISE * count
    return np.divide(differences, np.maximum(variance, 1), dtype=np.float32)


def _slope(plane: Floats) -> Floats:
    down, across = np.gradient(plane, axis=(1, 2))
    steepness: Floats = np.hypot(down, across)
    return steepness


def _smooth(pictures: Floats) -> Floats:
    """(b, s, s, 3) under a Gaussian of one pixel."""
    return blurred(pictures.transpose(0, 3, 1, 2), 1.0).transpose(0, 2, 3, 1)


def _shrunk(grey: Floats) -> Floats:
    """(b, 48, 48) → (b, 16, 16), the mean of nine pixels each."""
    side = SIDE // _COARSE
    small: Floats = grey.reshape(len(grey), side, _COARSE, side, _COARSE).mean(axis=(2, 4))
    return small
