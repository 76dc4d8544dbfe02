"""Lay one thumbnail over another: which stretch of the second, across and down, shows what the first shows."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

LARGEST = 1.16
"""A picture may show at most so much more of the scene than its copy, along each side."""

IDENTITY = (1.0, 0.0, 1.0, 0.0)
_FURTHEST = 0.15
_STEP = 0.05


def register(first: Floats, second: Floats, start: Floats, *, steps: int) -> Floats:
    """Find scale and shift by Gauss–Newton descent on squared differences (Lucas and Kanade 1981), pair by pair.

    Args:
        first: (b, s, s) luminances.
        second: (b, s, s) likewise.
        start: (b, 4) scale and shift across, scale and shift down: a place u of the first, in units of the side, shows
            the place `scale · u + shift` of the second.
        steps: of the descent.

    Returns:
        (b, 4) float32; scales within 1/1.16 to 1.16, shifts within 0.15.
    """
    side = first.shape[1]
    middle = (np.arange(side, dtype=np.float32) + 0.5) / side
    found = start.astype(np.float32)
    for _ in range(steps):
        laid, inside = lay(second, found)
        down, across = np.gradient(laid, axis=(1, 2))
        across *= (side / found[:, 0])[:, None, None]
        down *= (side / found[:, 2])[:, None, None]
        weight = inside.astype(np.float32)
        rest = first - laid
        rest -= (np.sum(rest * weight, axis=(1, 2)) / np.maximum(weight.sum(axis=(1, 2)), 1))[:, None, None]
        slopes = np.stack([across * middle, across, down * middle[:, None], down], axis=1) * weight[:, None]
        slopes = slopes.reshape(len(first), 4, -1)
        square = slopes @ slopes.transpose(0, 2, 1)
        damping = 1e-3 * np.trace(square, axis1=1, axis2=2) + 1e-3
        square += damping[:, None, None] * np.eye(4, dtype=np.float32)
        move = np.linalg.solve(square, slopes @ rest.reshape(len(first), -1, 1))[..., 0]
        found = found + np.clip(move, -_STEP, _STEP)
        found[:, ::2] = np.clip(found[:, ::2], 1 / LARGEST, LARGEST)
        found[:, 1::2] = np.clip(found[:, 1::2], -_FURTHEST, _FURTHEST)
    return found


def lay(second: Floats, place: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """What the second picture shows at the places of the first.

    Args:
        second: (b, s, s) of one plane.
        place: (b, 4) of `register`.

    Returns:
        (b, s, s) read by linear interpolation, and whether each place lies within the second picture.
    """
    side = second.shape[1]
    middle = (np.arange(side, dtype=np.float32) + 0.5) / side
    across = (place[:, 0, None] * middle + place[:, 1, None]) * side - 0.5
    down = (place[:, 2, None] * middle + place[:, 3, None]) * side - 0.5
    laid = np.matmul(_hats(down, side) @ second, _hats(across, side).transpose(0, 2, 1), dtype=np.float32)
    inside = [(one > -0.5) & (one < side - 0.5) for one in (down, across)]
    return laid, inside[0][:, :, None] & inside[1][:, None, :]


def blurred(planes: Floats, width: float) -> Floats:
    """Planes (…, s, s) under a Gaussian of `width` pixels."""
    at = np.arange(planes.shape[-1])
    weights = np.exp(-0.5 * ((at[:, None] - at) / width) ** 2)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    smooth: Floats = weights @ planes @ weights.T
    return smooth


def _hats(at: Floats, side: int) -> Floats:
    """(b, s, s): the weights that read a row of pixels at places `at`, (b, s), by linear interpolation."""
    far = np.abs(np.clip(at, 0, side - 1)[..., None] - np.arange(side, dtype=np.float32))
    weights: Floats = np.maximum(0, 1 - far, dtype=np.float32)
    return weights
