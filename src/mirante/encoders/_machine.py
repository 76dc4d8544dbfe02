"""The device that a network runs on, and how many items it takes at once."""

from typing import Any

import torch

from mirante.errors import UsageError

ON_PROCESSOR = 32
MOST = 1024


def device(name: str) -> torch.device:
    """The torch device `name`; `"auto"` is CUDA, then Apple's MPS, then the processor.

    Raises:
        UsageError: there is no such device, or it cannot be used.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UsageError(f"The device {name!r} cannot be used ({reason}): use auto, cpu, cuda or cuda:N.") from error
    return chosen


def batch(module: Any, chosen: torch.device) -> int:
    """A power of two of pictures that fits a quarter of the free memory; more is no faster on the processor.

    An estimate, so the caller still halves it when memory runs out.
    """
    if chosen.type != "cuda":
        return ON_PROCESSOR
    tower = module.config.vision_config
    side = getattr(tower, "image_size", None)
    tokens = (side // tower.patch_size) ** 2 + 1 if side else tower.num_patches
    width = 8 * tower.hidden_size + 2 * tower.intermediate_size
    item = tokens * width * torch.finfo(module.dtype).bits // 8
    free, _ = torch.cuda.mem_get_info(chosen)
    fitting = max(1, min(MOST, int(free // 4 // item)))
    return 1 << (fitting.bit_length() - 1)
