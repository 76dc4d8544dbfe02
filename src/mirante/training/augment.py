"""Small changes of pictures and texts that keep what they say, for objectives that compare two views of one thing."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

_SMALLEST = 0.6
_COLOUR = 0.2
_WORDS = 0.15


def picture(pixels: Tensor) -> Tensor:
    """Normalised pixels (B, 3, H, W) → the same shape: a crop of 60 to 100 % of the area, another brightness.

    Nothing is mirrored: captions know left from right.
    """
    count, device = len(pixels), pixels.device
    side = (_SMALLEST + (1 - _SMALLEST) * torch.rand(count, device=device)).sqrt()
    middle = (1 - side)[:, None] * (2 * torch.rand(count, 2, device=device) - 1)
    place = torch.zeros(count, 2, 3, device=device)
    place[:, 0, 0] = place[:, 1, 1] = side
    place[:, :, 2] = middle
    grid = affine_grid(place, list(pixels.shape), align_corners=False)
    cropped = grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return cropped * (1 + _COLOUR * (2 * torch.rand(count, 1, 1, 1, device=device) - 1))


def text(told: str) -> str:
    """Leave out about one word in seven, never all (Wei and Zou 2019, EDA, arXiv 1901.11196: random deletion)."""
    words = told.split()
    kept = [word for word, chance in zip(words, torch.rand(len(words)).tolist(), strict=True) if chance > _WORDS]
    return " ".join(kept or words)
