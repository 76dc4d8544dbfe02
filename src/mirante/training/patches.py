"""FLIP: a training picture shows a random part of its patches, and the tower computes only those.

Source: Li et al. 2023 (arXiv 2212.00794). Whole tokens are dropped after their positions were added, so the cost of
the image tower falls with them; in evaluation every patch is seen.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mirante.errors import UsageError


def drop(module: Any, share: float) -> RemovableHandle | None:
    """Let `module.vision_model` see `1 - share` of the patches of each picture while it is in training mode.

    Args:
        module: a CLIP or SigLIP model of transformers.
        share: of the patches to leave out, 0 (nothing happens) to less than 1.

    Returns:
        What undoes it, by `remove()`; None where nothing happens.

    Raises:
        UsageError: the share is out of range, or the pictures of the model come in patches of any number.
    """
    if not 0 <= share < 1:
        raise UsageError(f"drop_patches must be at least 0 and less than 1, not {share}: FLIP uses 0.5.")
    if not share:
        return None
    embeddings = module.vision_model.embeddings
    if not hasattr(embeddings, "image_size"):
        raise UsageError(
            f"drop_patches = {share} needs pictures of one size, which {type(module).__name__} does not have: "
            "set it to 0, or start from a model of fixed resolution."
        )

    def thin(embeddings: nn.Module, inputs: Any, tokens: Tensor) -> Tensor:
        del inputs
        if not embeddings.training:
            return tokens
        first = 1 if hasattr(embeddings, "class_embedding") else 0  # CLIP's own token is always seen
        patches = tokens[:, first:]
        kept = max(1, round(patches.shape[1] * (1 - share)))
        chosen = torch.rand(patches.shape[:2], device=tokens.device).argsort(dim=1)[:, :kept, None]
        seen = patches.gather(1, chosen.expand(-1, -1, patches.shape[-1]))
        return torch.cat([tokens[:, :first], seen], dim=1)

    handle: RemovableHandle = embeddings.register_forward_hook(thin)
    return handle
