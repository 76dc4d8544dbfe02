"""GmP: the matrices of the MLPs as the magnitude and the direction of their rows, and as plain matrices again.

A row w of a weight (out, in) becomes g · v / ‖v‖ with g (out, 1) and v (out, in), both trained: weight normalisation
(Salimans and Kingma 2016, arXiv 1602.07868) of the layers that CLIP-GmP-ViT-L-14 treats so.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import is_parametrized

from mirante.errors import ModelError, UsageError

_MATRICES = ("mlp.fc1", "mlp.fc2")


def split(module: nn.Module, wanted: Callable[[str], bool]) -> None:
    """Turn the MLPs' matrices that are `wanted` (by the layer's name) into magnitude and direction, in place.

    Raises:
        UsageError: no layer is wanted.
        ModelError: a row is all zeros.
    """
    layers = {name: layer for name, layer in module.named_modules() if name.endswith(_MATRICES) and wanted(name)}
    if not layers:
        raise UsageError(
            "geometric = true finds no MLP in what is trained: train blocks of a tower, or leave geometric out."
        )
    for name, layer in layers.items():
        if not layer.weight.norm(dim=1).all():
            raise ModelError(f"The layer {name!r} has a row of zeros, which has no direction: leave geometric out.")
        weight_norm(layer, dim=0)


def plain(module: nn.Module) -> nn.Module:
    """A copy of `module` whose weights are plain again; `module` itself is not touched."""
    made = copy.deepcopy(module)
    for name, layer in list(made.named_modules()):
        if is_parametrized(layer, "weight"):
            made.set_submodule(name, _linear(layer))
    return made


@torch.no_grad()
def _linear(layer: Any) -> nn.Linear:
    # torch's remove_parametrizations would take `weight` from the class that the copy shares with the original
    made = nn.Linear(layer.in_features, layer.out_features, device="meta")
    made.weight, made.bias = nn.Parameter(layer.weight.clone()), layer.bias
    return made
