"""What is trained: the model itself, its towers or adapters beside them."""

from pathlib import Path
from typing import TYPE_CHECKING

from mirante import encoders
from mirante.training import parts, task
from mirante.training.config import TrainConfig
from mirante.training.pictures import Pictures
from mirante.training.task import Task
from mirante.training.validation import Measurable, Retrieval

if TYPE_CHECKING:
    from accelerate import Accelerator

    from mirante.encoders._dual import DualEncoder


class Whole(Retrieval):
    """A model in training.

    Args:
        config: what of it is trained.
        encoder: changed in place.
    """

    encoder: "DualEncoder"

    def __init__(self, config: TrainConfig, encoder: "DualEncoder") -> None:
        super().__init__(encoder)
        self._config = config

    def choose(self) -> tuple[int, int]:
        """Unlock what is trained → numbers that are trained, and all."""
        parts.choose(self.encoder, self._config.trained)
        return parts.counts(self.encoder.module)

    def task(self, pictures: Pictures, accelerator: "Accelerator") -> Task:
        """What a run over these pictures learns."""
        return task.contrastive(self._config, self.encoder, pictures, accelerator)

    def save(self, folder: Path) -> Path:
        """Write the checkpoint."""
        return parts.save(self.encoder, self._config.trained, folder)

    def reopen(self, folder: Path) -> Measurable:
        """The checkpoint, to be measured."""
        return Retrieval(encoders.load(str(folder)))
