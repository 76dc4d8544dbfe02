"""The folder of a run: whose it is, and what was measured once."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirante import config as configuration
from mirante import environment
from mirante.disk import disk
from mirante.errors import UsageError
from mirante.training.config import TrainConfig
from mirante.training.snapshot import Snapshot
from mirante.types import Picture

if TYPE_CHECKING:
    from accelerate import Accelerator

    from mirante.training.pictures import Seeing

_FREE = ("out", "save_every", "usd_per_hour", "budget", "max_hours", "tensorboard", "threads")
"""Settings that may change between two starts of one run."""

_MADE = (
    "run.json", "before.json", "after.json", "cost.json", "log.jsonl", "state-*", ".state.part", "checkpoint",
    ".checkpoint.part", "tensorboard", "captions.json", "thumbnails", "report.html",
)  # fmt: skip


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

    def claim(self, config: TrainConfig, material: Mapping[str, object], *, restart: bool) -> None:
        """Write what the run is, or check that the folder holds the same run.

        Args:
            config: its settings.
            material: what they stood for, such as the revision of the weights that it starts from.
            restart: take away what an earlier run left.

        Raises:
            UsageError: it holds another run; the message names the first setting that differs.
            StoreError: the disk is full or refuses.
        """
        if self._accelerator.is_main_process:
            if restart:
                self._clear()
            run = {"config": configuration.plain(config), "material": dict(material)}
            self._compare(json.loads(json.dumps(run)))
            self._write("run.json", run | {"environment": environment.describe()})
        self._accelerator.wait_for_everyone()

    def once(self, name: str, measure: Callable[[], Snapshot]) -> Snapshot:
        """What `measure` gives, from the file `name.json` where an earlier start wrote it.

        Raises:
            StoreError: the disk is full or refuses.
        """
        path = self._path / f"{name}.json"
        if self._accelerator.is_main_process and not path.is_file():
            self._write(path.name, measure().to_dict())
        self._accelerator.wait_for_everyone()
        return Snapshot.from_dict(json.loads(path.read_text(encoding="utf-8")))

    def _write(self, name: str, plain: Mapping[str, Any]) -> None:
        path = self._path / name
        part = path.with_suffix(".part")
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(plain, indent=1), encoding="utf-8")
            part.replace(path)

    def _clear(self) -> None:
        for path in (path for pattern in _MADE for path in self._path.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _compare(self, wanted: Mapping[str, Any]) -> None:
        path = self._path / "run.json"
        if not path.is_file():
            return
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for key, old, new in _differences(
            found["config"] | found.get("material", {}), wanted["config"] | wanted["material"]
        ):
            raise UsageError(
                f"{str(self._path)!r} holds another run, with {key} = {old!r} and not {new!r}: "
                "give this one another `out`, or start anew with --restart."
            )


def material(encoder: "Seeing", pictures: Sequence[Picture], *, new: bool) -> dict[str, object]:
    """What the settings of a run stand for: only from the same weights and the same pictures may it go on.

    Args:
        encoder: as it was opened.
        pictures: those of training, in order.
        new: whether it was made from nothing, so that its weights are all in the state of the run.
    """
    digest = hashlib.sha256("\n".join(picture.content for picture in pictures).encode()).hexdigest()
    return {
        "start": None if new else encoder.provenance.revision,
        "preprocessing": encoder.provenance.preprocessing,
        "pictures": f"{len(pictures)} of {digest[:16]}",
    }


def _differences(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, object, object]]:
    """Dotted name, old and new value of each setting that is not the same; sections are entered."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in (*new, *(name for name in old if name not in new)):
            if key or name not in _FREE:
                yield from _differences(old.get(name), new.get(name), f"{key}.{name}" if key else name)
    elif old != new:
        yield key, old, new
