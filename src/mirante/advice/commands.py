"""The exact commands that advice ends in, as a shell takes them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from mirante.advice.ground import Asked
from mirante.training.config import Data

SUGGESTED = "google/siglip2-base-patch16-224"
"""Measured first where nobody names a model: it reads Portuguese and English and runs on a laptop."""


def measure(asked: Asked, out: Path) -> str:
    """Ask for advice again, with a model."""
    return _line("advise", asked.address, "--model", SUGGESTED, *_reading(asked), "--out", str(out))


def again(asked: Asked, models: Sequence[str], out: Path) -> str:
    """Ask for advice again, once there are more data."""
    return _line("advise", *_asked(asked), *_models(models), *_reading(asked), "--out", str(out))


def learn(asked: Asked, model: str, out: Path) -> str:
    """Try fine-tunes on shares of the data."""
    return _line("advise", *_asked(asked), "--model", model, *_reading(asked), "--learning-curve", "--out", str(out))


def train(config: Path) -> str:
    """Fine-tune."""
    return _line("train", str(config))


def evaluate(measured: str, models: Sequence[str], language: str | None, out: Path) -> str:
    """Measure models side by side."""
    spoken = ["--lang", language] if language else []
    return _line("evaluate", measured, *_models(models), *spoken, "--out", str(out))


def blend(start: str, end: str, data: Data, out: Path) -> str:
    """Weigh a fine-tune against what it forgot."""
    spoken = ["--language", data.language] if data.language else []
    retained = ["--retain-language", data.retain_language] if data.retain_language else []
    sides = ["--data", str(data.validation), *spoken, "--retain", str(data.retain), *retained]
    return _line("blend", start, end, *sides, "--out", str(out))


def index(asked: Asked, model: str, out: Path) -> str:
    """Make the data searchable."""
    return _line("index", asked.address, "--model", model, *_reading(asked), "--out", str(out))


def _line(*words: str) -> str:
    return shlex.join(["mirante", *words])


def _models(models: Sequence[str]) -> list[str]:
    return [word for model in models for word in ("--model", model)]


def _asked(asked: Asked) -> list[str]:
    """The data, and all that says what is learnt from and retained."""
    given = {"--train": asked.train, "--retain": asked.retain, "--retain-lang": asked.retain_language}
    given["--limit"] = None if asked.limit is None else str(asked.limit)
    return [asked.address, *(word for name, value in given.items() if value for word in (name, value))]


def _reading(asked: Asked) -> list[str]:
    reading = asked.reading
    given = {"--image-column": reading.image_column, "--text-column": reading.text_column}
    given |= {"--image-root": reading.image_root, "--lang": reading.language}
    return [word for name, value in given.items() if value for word in (name, value)]
