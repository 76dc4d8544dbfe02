"""What a run trains, chosen by its configuration: the model itself, a guide over it, or a captioner."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from mirante.training import data, start, validation
from mirante.training.config import TrainConfig
from mirante.training.pictures import Pictures
from mirante.training.task import Task

if TYPE_CHECKING:
    from accelerate import Accelerator

    from mirante.captioning.captioner import Captioner
    from mirante.encoders._dual import DualEncoder

    Opened: TypeAlias = DualEncoder | Captioner


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


def open_model(config: TrainConfig, device: str) -> "Opened":
    """What the run starts from: an encoder, or a captioner; torch's global generator gives new weights.

    Raises:
        UsageError: no start, or two.
        ModelError: it cannot be trained in that way.
    """
    if config.caption:
        from mirante.training.writes import open_captioner_of

        return open_captioner_of(config, config.caption, device)
    return start.open_model(config.model, data.words(config), device, guided=config.elip is not None)


def untrained(config: TrainConfig, model: "Opened") -> validation.Measurable | None:
    """The start, to be measured; None where it is new and knows nothing."""
    if config.model.start is None:
        return None
    if config.caption:
        from mirante.training.writes import Writes

        return None if config.caption.decoder else Writes(config, config.caption, cast("Captioner", model))
    return validation.Retrieval(cast("DualEncoder", model))


def create(config: TrainConfig, model: "Opened") -> Learner:
    """What `config` asks for, over the model as it was opened; torch's global generator gives new weights.

    Raises:
        UsageError: the model cannot be guided in that way.
    """
    if config.caption:
        from mirante.training.writes import Writes

        return Writes(config, config.caption, cast("Captioner", model))
    encoder = cast("DualEncoder", model)
    if config.elip:
        from mirante.rerankers import _guided_files
        from mirante.training import guided
        from mirante.training.guide import Guide

        over = _guided_files.begin(encoder, config.elip.guide, config.elip.start)
        guided.check(config.elip, over)
        return Guide(config, config.elip, over, 0.0 if config.elip.added else None)
    from mirante.training.whole import Whole

    return Whole(config, encoder)
