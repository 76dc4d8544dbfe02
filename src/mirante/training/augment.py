"""Small changes of pictures and texts that keep what they say, for objectives that compare two views of one thing."""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

_SMALLEST = 0.6
_CONTRAST = 0.2
_WORDS = 0.15


def picture(pixels: Tensor) -> Tensor:
    """Normalised pixels (B, 3, H, W) → the same shape: a crop of 60 to 100 % of the area, contrast ± 20 %.

    Each picture has its own. Nothing is mirrored or re-coloured: captions know left from right, and red from blue.
    """
    count, device = len(pixels), pixels.device
    side = (_SMALLEST + (1 - _SMALLEST) * torch.rand(count, device=device)).sqrt()
    middle = (1 - side)[:, None] * (2 * torch.rand(count, 2, device=device) - 1)
    place = torch.zeros(count, 2, 3, device=device)
    place[:, 0, 0] = place[:, 1, 1] = side
    place[:, :, 2] = middle
    grid = affine_grid(place, list(pixels.shape), align_corners=False)
    cropped = grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return cropped * (1 + _CONTRAST * (2 * torch.rand(count, 1, 1, 1, device=device) - 1))


def text(told: str) -> str:
    """Leave out about one word in seven, never all (random deletion of EDA: Wei and Zou 2019, arXiv 1901.11196)."""
    words = told.split()
    kept = [word for word, chance in zip(words, torch.rand(len(words)).tolist(), strict=True) if chance > _WORDS]
    return " ".join(kept or words)
