"""The metrics of a run: one JSON line each in `log.jsonl`, and events for TensorBoard where asked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mirante.disk import disk
from mirante.errors import MissingLibrary
from mirante.training.config import TrainConfig
from mirante.training.state import Position


class Journal:
    """Where news of a run goes; lines after `since`, written by a run that was killed later, are dropped first.

    Args:
        out: folder of the run.
        since: the step that the run goes on from.
        tensorboard: also write `out/tensorboard`.

    Raises:
        MissingLibrary: TensorBoard is asked for and not installed.
        StoreError: the disk is full; so does `write`.
    """

    def __init__(self, out: Path, since: int, *, tensorboard: bool = False) -> None:
        path = out / "log.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        old = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() and since else []
        part = path.with_suffix(".part")
        with disk(path):
            part.write_text("".join(f"{line}\n" for line in old if _step(line) <= since), encoding="utf-8")
            part.replace(path)
        self._path = path
        self._events = _events(out / "tensorboard", since) if tensorboard else None

    def write(self, step: int, news: Mapping[str, Any]) -> None:
        """One line: the step and what is new."""
        with disk(self._path), self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"step": step, **news}) + "\n")
        if self._events:
            for name, value in news.items():
                self._events.add_scalar(name, value, step)
            self._events.flush()


def _step(line: str) -> int:
    """The step of a line; a line cut off by a kill comes after every step."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 1 << 62


def _events(folder: Path, since: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingLibrary("tensorboard", "tensorboard", "TensorBoard") from error
    return SummaryWriter(folder, purge_step=since + 1 if since else None)


def news(config: TrainConfig, position: Position, rate: float, norm: float) -> dict[str, float]:
    """A line about a step: running loss, rate, norm of the gradient, speed, hours and money so far."""
    hours = position.seconds / 3600
    return {
        "loss": round(position.loss or 0.0, 4),
        "rate": rate,
        "norm": round(norm, 4),
        "pairs/s": round(position.step * config.batch / position.seconds, 1),
        "hours": hours,
        "usd": hours * config.usd_per_hour,
    }
