"""What a run trains, chosen by its configuration: the model itself, or a guide over it."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mirante.training import validation
from mirante.training.config import TrainConfig
from mirante.training.pictures import Pictures
from mirante.training.task import Task

if TYPE_CHECKING:
    from accelerate import Accelerator

    from mirante.encoders._dual import DualEncoder


class Learner(validation.Measurable, Protocol):
    """What is trained, from unlocking it to reading it again."""

    def choose(self) -> tuple[int, int]:
        """Unlock what is trained → numbers that are trained, and all."""

    def task(self, pictures: Pictures, accelerator: "Accelerator") -> Task:
        """What a run over these pictures learns."""

    def save(self, folder: Path) -> Path:
        """Write the checkpoint."""

    def reopen(self, folder: Path) -> validation.Measurable:
        """The checkpoint, to be measured."""


def create(config: TrainConfig, encoder: "DualEncoder") -> Learner:
    """What `config` asks for, over the model as it was opened; torch's global generator gives new weights.

    Raises:
        UsageError: the model cannot be guided in that way.
    """
    if config.elip:
        from mirante.rerankers import _guided_files
        from mirante.training import guided
        from mirante.training.guide import Guide

        over = _guided_files.begin(encoder, config.elip.guide, config.elip.start)
        guided.check(config.elip, over)
        return Guide(config, config.elip, over, 0.0 if config.elip.added else None)
    from mirante.training.whole import Whole

    return Whole(config, encoder)
