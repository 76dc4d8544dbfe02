"""Geometric parametrisation ("GmP") of linear layers, undone.

Such a checkpoint stores a row of a weight as its length `r` and direction `theta`: `weight = r · theta / ‖theta‖`.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file


def is_geometric(weights: Sequence[Path]) -> bool:
    """Whether any of the safetensors files holds a `theta`; reads their headers only."""
    for path in weights:
        with safe_open(path, framework="pt") as stored:
            if any(key.endswith(".theta") for key in stored.keys()):  # noqa: SIM118 - not a mapping
                return True
    return False


def plain_weights(weights: Sequence[Path]) -> dict[str, torch.Tensor]:
    """The state of the safetensors files with every `theta` (out, in) and `r` (out, 1) turned into a `weight`."""
    state: dict[str, torch.Tensor] = {}
    for path in weights:
        state.update(load_file(path))
    for key in [key for key in state if key.endswith(".theta")]:
        layer = key.removesuffix("theta")
        direction, length = state.pop(key).float(), state.pop(f"{layer}r").float()
        state[f"{layer}weight"] = length.reshape(-1, 1) * direction / direction.norm(dim=1, keepdim=True)
    return state
