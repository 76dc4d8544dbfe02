"""Tensors on their way to an encoder's network: tokens without needless padding, RGB as pixels with gradient.

`DualEncoder.pixels` passes through Pillow, where gradients end. Here only what follows the resizing is done: values
from 0 to 1 are normalised, and cut into patches where the family wants them (NaFlex).
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mirante.errors import UsageError

if TYPE_CHECKING:
    from mirante.encoders._dual import Pixels


def shortened(tokens: dict[str, Tensor]) -> dict[str, Tensor]:
    """(B, n) token tensors without the columns that are padding in every text, where the network is told so.

    Those columns change nothing (CLIP, BLIP). Where padding is read as in training (SigLIP), all stay.
    """
    if "attention_mask" not in tokens:
        return tokens
    longest = int(tokens["attention_mask"].sum(dim=1).max())
    return {name: values[:, :longest] for name, values in tokens.items()}


def takes_tensors(encoder: Any) -> bool:
    """Whether `encoder` has a path with gradient from pixels to features, as those of CLIP's and SigLIP's kind do."""
    processor, differentiable = getattr(encoder, "image_processor", None), getattr(encoder, "differentiable", True)
    return hasattr(encoder, "image_features") and differentiable and hasattr(processor, "image_mean")


def sides(encoder: Any) -> tuple[int, int]:
    """Height and width of the pictures that `encoder` sees; for NaFlex those of the largest square that it takes.

    Raises:
        UsageError: the encoder has no path with gradient from pixels to features.
    """
    if not takes_tensors(encoder):
        raise UsageError(
            f"{encoder.provenance.model!r} gives no gradient from pixels to features, so it cannot guide a picture: "
            "use a model of CLIP's, SigLIP's or BLIP's kind, or rank samples of a diffusers pipeline by it."
        )
    processor = encoder.image_processor
    if is_naflex(processor):
        side = processor.patch_size * int(processor.max_num_patches**0.5)
        return side, side
    size = processor.crop_size if getattr(processor, "do_center_crop", False) else processor.size
    return int(size["height"]), int(size["width"])


def as_pixels(encoder: Any, rgb: Tensor) -> "Pixels":
    """What `encoder.image_features` takes.

    Args:
        encoder: one that `takes_tensors`.
        rgb: (B, 3, height, width) of `sides`, values from 0 to 1.

    Returns:
        (B, 3, height, width) normalised; for NaFlex a dict of patches (B, n, 3·p²), mask and grid shapes.
    """
    processor = encoder.image_processor
    mean, std = (
        torch.tensor(one, device=rgb.device, dtype=rgb.dtype)[:, None, None]
        for one in (processor.image_mean, processor.image_std)
    )
    normalised = (rgb - mean) / std if processor.do_normalize else rgb
    return _patches(normalised, processor.patch_size) if is_naflex(processor) else normalised


def is_naflex(processor: Any) -> bool:
    return getattr(processor, "max_num_patches", None) is not None


def _patches(pixels: Tensor, patch: int) -> dict[str, Tensor]:
    """(B, 3, H, W) → patches row by row, each by rows, columns and then colours."""
    count, colours, height, width = pixels.shape
    rows, columns = height // patch, width // patch
    cut = pixels.reshape(count, colours, rows, patch, columns, patch).permute(0, 2, 4, 3, 5, 1)
    return {
        "pixel_values": cut.reshape(count, rows * columns, patch * patch * colours),
        "pixel_attention_mask": torch.ones(count, rows * columns, dtype=torch.int32, device=pixels.device),
        "spatial_shapes": torch.tensor([[rows, columns]] * count, device=pixels.device),
    }
