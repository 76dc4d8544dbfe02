"""Fine-tune a model, or train one from nothing: one configuration, one call.

`train` opens the data and the model, measures, runs `loop.run`, measures again and leaves a checkpoint. A run that was
killed goes on from its last state when it is started again.
"""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirante import config as configuration
from mirante.captioning import METRICS
from mirante.captioning.styles import Style
from mirante.diagnosis import Leaks
from mirante.errors import MissingLibrary, UnknownName, UsageError
from mirante.rerankers import _guiding
from mirante.training.config import Caption, Elip, TrainConfig
from mirante.training.examples import examples
from mirante.training.examples import keep as keep_examples
from mirante.training.snapshot import Snapshot
from mirante.training.spending import Limit, Spending, forget_peak, limits
from mirante.types import Provenance

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["TrainConfig", "Training", "read_config", "train"]

_PRECISION = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}
_PATIENCE = timedelta(hours=24)


@dataclass(frozen=True)
class Parameters:
    """How many numbers were trained, and how many the model has, adapters counted in both."""

    trained: int
    all: int


@dataclass(frozen=True)
class Training:
    """What a run did.

    Args:
        checkpoint: folder that opens as a model.
        steps: optimiser steps done.
        seconds: in the loop, over all starts.
        before: what the start measured on the validation and the retained data.
        after: what the checkpoint measures there.
        loss: mean of the last steps.
        cost: hours and US dollars of all starts, from their beginning to their end, and bytes of memory at most.
        unreadable: pictures that were left out → why.
        parameters: trained ones and all.
        base: the model that it started from, None for a new one.
        resumed: the step that this start went on from, 0 for the first.
        predicted: the same figures as they were estimated, None where they were not.
        stopped: the limit that ended it before its last step; then nothing is measured after, and more of it goes on.
        near_copies: measured pictures that nearly copy training pictures, where there are any.
    """

    checkpoint: Path
    steps: int
    seconds: float
    before: Snapshot
    after: Snapshot
    loss: float
    cost: Mapping[str, float]
    unreadable: Mapping[str, str]
    parameters: Parameters
    base: Provenance | None = None
    resumed: int = 0
    predicted: Mapping[str, float | None] | None = None
    stopped: Limit | None = None
    near_copies: tuple[Leaks, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether anything was, at the end."""
        return self.after != Snapshot()

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante train --json`."""
        metrics = {"before": self.before.target, "after": self.after.target}
        metrics |= {"retain_before": self.before.retain, "retain_after": self.after.retain}
        sides = {"target": self.after.target, "retain": self.after.retain}
        return {
            "schema": 1,
            "checkpoint": str(self.checkpoint),
            "steps": self.steps,
            "seconds": self.seconds,
            "loss": self.loss,
            **{name: one.metrics if one else {} for name, one in metrics.items()},
            "protocols": {name: asdict(one.protocol) for name, one in sides.items() if one},
            "cost": dict(self.cost),
            "unreadable": dict(self.unreadable),
            "parameters": asdict(self.parameters),
            "base": asdict(self.base) if self.base else None,
            "resumed": self.resumed,
            "predicted": dict(self.predicted) if self.predicted else None,
            "stopped": self.stopped,
            "near_copies": [one.to_dict() for one in self.near_copies],
            "examples": examples(self.before, self.after),
        }


def read_config(path: Path) -> TrainConfig:
    """Read a TOML file.

    Raises:
        UsageError: a file, key or value is wrong; the message says which.
    """
    return configuration.read(path, TrainConfig)


def train(
    config: TrainConfig, *, restart: bool = False, predicted: Mapping[str, float | None] | None = None
) -> Training:
    """Train as `config` says; the checkpoint lies in `config.out/checkpoint`, the log in `config.out/log.jsonl`.

    Args:
        config: the run.
        restart: forget what an earlier run left in `config.out` instead of going on from it.
        predicted: hours, usd and peak_bytes as they were estimated, to be kept beside the true ones.

    Raises:
        UsageError: the configuration asks for something that does not exist, or the folder holds another run.
        TrainingError: the loss is no longer a number.
        DataError: the data has no captioned picture, or fewer than two.
        StoreError: the disk is full.
    """
    began = time.monotonic()
    check(config)
    accelerator = open_accelerator(config)
    forget_peak(accelerator.device)
    import torch

    from mirante.training import card, data, learner, loop, mining, near, pictures, state, validation
    from mirante.training.folder import Folder, material

    mining.check(config)
    sets = data.open_sets(config.data)
    copies = near.near_copies(config.data, sets) if accelerator.is_main_process else ()
    model = learner.open_model(config, str(accelerator.device))
    batches, pixels = pictures.prepare(sets.batches, model)
    config = _with_steps(config, len(batches.pictures))
    folder = Folder(Path(config.out), accelerator)
    folder.claim(config, material(model, batches.pictures, new=config.model.start is None), restart=restart)
    spending = Spending(config, accelerator, began, predicted)
    base = learner.untrained(config, model)
    before = folder.once("before", lambda: validation.snapshot(base, sets) if base else Snapshot())
    torch.manual_seed(config.seed)
    learns = learner.create(config, model)
    parameters = Parameters(*learns.choose())
    earlier = state.newest(Path(config.out))
    resumed = state.position(earlier).step if earlier else 0

    def keep() -> Path:
        return learns.save(folder.checkpoint)

    watch = validation.Watch(learns, sets, config.select, keep) if config.validate_every and sets.validation else None
    hard = mining.create(config, batches, pixels, accelerator)
    done = loop.run(
        config, learns.task(pixels, accelerator), hard or batches,
        accelerator=accelerator, look=watch, mining=hard, spending=spending,
    )  # fmt: skip
    if (not watch or done.best is None) and accelerator.is_main_process:
        keep()
    after = Snapshot()
    if not spending.stopped:
        after = folder.once("after", lambda: validation.snapshot(learns.reopen(folder.checkpoint), sets))
    finished = Training(
        folder.checkpoint, done.step, done.seconds, before=before, after=after, loss=done.loss or 0.0,
        cost=spending.actual(), unreadable=pixels.unreadable, parameters=parameters,
        base=model.provenance if config.model.start else None, resumed=resumed, predicted=spending.predicted,
        stopped=spending.stopped, near_copies=copies,
    )  # fmt: skip
    if accelerator.is_main_process:
        spending.keep()
        card.write(finished, config)
        keep_examples(finished, config, sets)
    return finished


def open_accelerator(config: TrainConfig) -> "Accelerator":
    """Device, precision and processes, which wait for each other however long the first one measures.

    torch is seeded and given its threads.

    Raises:
        MissingLibrary: torch or accelerate is not installed.
        UsageError: the device has no such precision.
    """
    try:
        import torch
        from accelerate import Accelerator, InitProcessGroupKwargs
    except ModuleNotFoundError as error:
        raise MissingLibrary(str(error.name), "train", "Training") from error
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
    precision, waiting = config.memory.precision, InitProcessGroupKwargs(timeout=_PATIENCE)
    on_processors = "LOCAL_RANK" in os.environ and not torch.accelerator.is_available()
    try:
        return Accelerator(cpu=on_processors, mixed_precision=_PRECISION[precision], kwargs_handlers=[waiting])
    except ValueError as error:
        raise UsageError(f'precision = "{precision}" cannot be had here ({error}): use "bf16" or "fp32".') from error


def _with_steps(config: TrainConfig, pictures: int) -> TrainConfig:
    """`epochs` told in steps."""
    if not config.epochs:
        return config
    return replace(config, steps=math.ceil(config.epochs * pictures / config.batch))


def check(config: TrainConfig) -> None:
    """Refuse what no run can do, before anything is read.

    Raises:
        UsageError: two settings exclude each other, or one is out of range; the message says which.
    """
    if (config.steps < 1) == (config.epochs <= 0):
        raise UsageError(
            f"Give either steps (now {config.steps}) or epochs (now {config.epochs:g}), at least 1 step in all."
        )
    if config.batch < 2:
        raise UsageError(f"batch must be at least 2, not {config.batch}: a contrastive loss needs a negative.")
    if config.patience and not config.validate_every:
        raise UsageError(f"patience = {config.patience} counts validations: give validate_every too.")
    limits(config)
    if config.caption:
        _check_caption(config, config.caption)
        return
    if config.elip:
        _check_elip(config, config.elip)
        return
    if not config.losses:
        raise UsageError("losses is empty: name at least one loss.")


def _check_elip(config: TrainConfig, elip: Elip) -> None:
    """Refuse what no guide can be trained with."""
    _guiding.check(elip.guide)
    plain = TrainConfig(config.out, config.model, config.data)
    for name in ("trained", "losses", "drop_patches"):
        if getattr(config, name) != getattr(plain, name):
            raise UsageError(
                f"[elip] trains a guide and leaves the model as it is, so {name} says nothing: leave it out"
                f"{', and name the loss as elip.loss' if name == 'losses' else ''}."
            )
    if config.memory.checkpointing:
        raise UsageError(
            "[elip] looks through a frozen tower, which memory.checkpointing does not reach: leave it out, and let "
            "memory.micro say how many pictures are held at once."
        )
    if config.model.start is None:
        raise UsageError('[elip] needs a model to guide: give [model] start = "…".')
    if elip.candidates < 0 or elip.candidates == 1:
        raise UsageError(
            f"elip.candidates must be 0 (the whole batch) or at least 2, not {elip.candidates}: a text needs a false "
            "picture to be told apart from."
        )
    if elip.depth < 1:
        raise UsageError(f"elip.depth must be at least 1, not {elip.depth}.")


def _check_caption(config: TrainConfig, caption: Caption) -> None:
    """Refuse what no captioner can be trained with."""
    plain, trained = TrainConfig(config.out, config.model, config.data), config.trained
    for name in ("losses", "drop_patches", "hard", "elip"):
        if getattr(config, name) != getattr(plain, name):
            raise UsageError(f"[caption] learns the words of captions, so {name} says nothing: leave it out.")
    sides = (trained.image, trained.text)
    if not set(sides) <= {"all", "none"} or set(sides) == {"none"}:
        raise UsageError(
            f"trained.image = {trained.image!r} and trained.text = {trained.text!r}: of a captioner each is "
            '"all" or "none", and not both are "none".'
        )
    if trained.geometric or trained.layer_decay != 1 or (trained.lora and not trained.lora.merge):
        raise UsageError("A captioner has no geometric weights, layer_decay or adapters kept apart: leave these out.")
    if config.model.start is None:
        raise UsageError('[caption] needs a captioner, or an encoder for [caption.decoder]: give [model] start = "…".')
    if config.validate_every and config.select not in METRICS:
        raise UnknownName("metric of captions to select by", config.select, METRICS)
    if not 0 <= caption.smoothing < 1:
        raise UsageError(f"caption.smoothing must be at least 0 and less than 1, not {caption.smoothing:g}.")
    Style(beams=caption.beams, tokens=caption.tokens)
