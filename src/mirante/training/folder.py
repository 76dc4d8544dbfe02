"""The folder of a run: whose it is, and what was measured once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirante import config as configuration
from mirante import environment
from mirante.errors import UsageError
from mirante.training.config import TrainConfig
from mirante.training.snapshot import Snapshot

if TYPE_CHECKING:
    from accelerate import Accelerator

_FREE = ("out", "save_every", "usd_per_hour", "tensorboard", "threads")
"""Settings that may change between two starts of one run."""


class Folder:
    """Where a run keeps its configuration, its measurements and its checkpoint; only the main process writes.

    Args:
        path: made where it is missing.
        accelerator: says which process this is.
    """

    def __init__(self, path: Path, accelerator: "Accelerator") -> None:
        self._path, self._accelerator = path, accelerator

    @property
    def checkpoint(self) -> Path:
        """The checkpoint that the run gives."""
        return self._path / "checkpoint"

    def claim(self, config: TrainConfig, *, restart: bool) -> None:
        """Write what the run is, or check that the folder holds the same run.

        Raises:
            UsageError: it holds another run; the message names the first setting that differs.
        """
        if self._accelerator.is_main_process:
            if restart:
                self._clear()
            self._compare(config)
            self._path.mkdir(parents=True, exist_ok=True)
            made = {"config": configuration.plain(config), "environment": environment.describe()}
            (self._path / "run.json").write_text(json.dumps(made, indent=1), encoding="utf-8")
        self._accelerator.wait_for_everyone()

    def once(self, name: str, measure: Callable[[], Snapshot]) -> Snapshot:
        """What `measure` gives, from the file `name.json` where an earlier start wrote it."""
        path = self._path / f"{name}.json"
        if path.is_file():
            return Snapshot.from_dict(json.loads(path.read_text(encoding="utf-8")))
        found = Snapshot()
        if self._accelerator.is_main_process:
            found = measure()
            part = path.with_suffix(".part")
            part.write_text(json.dumps(found.to_dict(), indent=1), encoding="utf-8")
            part.replace(path)
        self._accelerator.wait_for_everyone()
        return found

    def _clear(self) -> None:
        for name in ("run.json", "before.json", "after.json", "log.jsonl"):
            (self._path / name).unlink(missing_ok=True)
        for folder in (*self._path.glob("state-*"), self.checkpoint, self._path / "tensorboard"):
            shutil.rmtree(folder, ignore_errors=True)

    def _compare(self, config: TrainConfig) -> None:
        path = self._path / "run.json"
        if not path.is_file():
            return
        wanted = json.loads(json.dumps(configuration.plain(config)))
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["config"]
        for key, value in wanted.items():
            if key not in _FREE and found.get(key) != value:
                raise UsageError(
                    f"{str(self._path)!r} holds another run, with {key} = {found.get(key)!r} and not {value!r}: "
                    "give this one another `out`, or start anew with --restart."
                )
