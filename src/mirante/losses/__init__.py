"""Training objectives, one file each.

Each module has a class `Loss`, a `torch.nn.Module` whose `forward(images (B, d), texts (T, d), positives (T, B))`
gives a scalar, the mean over texts; rows are of length 1; `positives` is bool, several true images per text and
several true texts per image allowed. `Loss()` needs no argument.
"""

from typing import TYPE_CHECKING

from mirante import registry
from mirante.errors import MissingLibrary

if TYPE_CHECKING:
    import torch

PACKAGE = "mirante.losses"


def create(name: str) -> "torch.nn.Module":
    """A new loss by its name.

    Raises:
        UnknownName: no such loss.
        MissingLibrary: torch is not installed.
    """
    try:
        loss: torch.nn.Module = registry.load(PACKAGE, name).Loss()
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingLibrary("torch", "torch", "Training") from error
    return loss
