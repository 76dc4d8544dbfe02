"""Fine-tune a model, or train one from nothing: one configuration, one call.

`train` opens the data and the model, measures, runs `loop.run`, measures again and saves a checkpoint.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from mirante import config as configuration
from mirante import environment
from mirante.errors import MissingLibrary, UsageError
from mirante.training.config import TrainConfig
from mirante.types import Estimate

__all__ = ["TrainConfig", "Training", "read_config", "train"]

_TOKENIZER_ITEMS = 3000


@dataclass(frozen=True)
class Training:
    """What a run did.

    Args:
        checkpoint: folder that opens as a model.
        steps: optimiser steps done.
        seconds: in the loop.
        before: metrics on the validation data at the start, empty without validation data.
        after: metrics at the end.
        loss: mean of the last steps.
    """

    checkpoint: Path
    steps: int
    seconds: float
    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    loss: float

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante train --json`."""
        plain = asdict(replace(self, checkpoint=Path()))
        return {"schema": 1} | plain | {"checkpoint": str(self.checkpoint), "cost": {"hours": self.seconds / 3600}}


def read_config(path: Path) -> TrainConfig:
    """Read a TOML file.

    Raises:
        UsageError: a file, key or value is wrong; the message says which.
    """
    return configuration.read(path, TrainConfig)


def train(config: TrainConfig) -> Training:
    """Train as `config` says; the checkpoint lies in `config.out/checkpoint`, the log in `config.out/log.jsonl`.

    Raises:
        UsageError: the configuration asks for something that does not exist.
        TrainingError: the loss is no longer a number.
        DataError: the data has no captioned picture, or a picture cannot be read.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingLibrary("torch", "torch", "Training") from error
    from mirante.training import loop, pictures, start, validation
    from mirante.training.batches import open_batches, training_texts

    _check(config)
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
    batches = open_batches(config.data)
    languages = config.model.new.tokenizer_languages if config.model.new else ()
    encoder = start.open_model(config.model, islice(training_texts(config.data, languages), _TOKENIZER_ITEMS))
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    made = {"config": configuration.plain(config), "environment": environment.describe()}
    (out / "run.json").write_text(json.dumps(made, indent=1), encoding="utf-8")
    address, language = config.data.validation, config.data.language
    valid = validation.validation_pairs(address, language) if address else None
    before = validation.measure(encoder, valid) if valid and config.model.start else {}

    def look(step: int) -> dict[str, float]:
        encoder.save(out / "checkpoint")
        return _brief(validation.measure(encoder, valid, resamples=0)) if valid else {}

    trained = loop.run(
        config,
        encoder,
        batches,
        pictures=pictures.prepare(batches.pictures, encoder),
        log=out / "log.jsonl",
        look=look,
    )
    checkpoint = encoder.save(out / "checkpoint")
    after = validation.measure(encoder, valid) if valid else {}
    return Training(checkpoint, trained.steps, trained.seconds, before, after, trained.loss)


def _check(config: TrainConfig) -> None:
    for name in ("steps", "batch"):
        if getattr(config, name) < 1:
            raise UsageError(f"{name} must be at least 1, not {getattr(config, name)}: give a positive number.")
    if config.batch < 2:
        raise UsageError("batch must be at least 2: a contrastive loss needs a negative.")
    if not config.losses:
        raise UsageError("losses is empty: name at least one loss.")


def _brief(metrics: Mapping[str, Estimate]) -> dict[str, float]:
    return {name: round(estimate.value, 4) for name, estimate in metrics.items()}
