"""An encoder that is opened when it is first asked to encode; what it says of itself is remembered from before.

Opening a checkpoint imports torch, reads all weights and hashes them: seconds that a call whose rows are all at hand
does not need. What is remembered lies in the cache under what identifies the files without reading them, their names,
sizes and times, with the settings and the versions of the libraries. It is only ever taken for what it was of.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL.Image import Image

from mirante import digests
from mirante.encoders import Settings
from mirante.environment import cache_root, code, seen
from mirante.errors import ModelError
from mirante.types import Encoder, Provenance, Vectors


@dataclass(frozen=True)
class About:
    """What an encoder says of itself before it encodes.

    Args:
        provenance: of its rows.
        dim: width of a row.
        scale: pixels a side that it wants pictures decoded with, None for all.
    """

    provenance: Provenance
    dim: int
    scale: int | None

    @classmethod
    def of(cls, encoder: Encoder) -> "About":
        """What an open one says."""
        return cls(encoder.provenance, encoder.dim, getattr(encoder, "scale", None))


class Deferred:
    """An encoder known by `about`, opened by `open` when it is needed; see `mirante.types.Encoder`.

    Args:
        about: what it says of itself.
        open: opens it.
        forget: called when it turns out to say something else.
    """

    def __init__(self, about: About, open: Callable[[], Encoder], forget: Callable[[], object]) -> None:
        self.provenance, self.dim, self.scale = about.provenance, about.dim, about.scale
        self._about, self._open, self._forget = about, open, forget
        self._opened: Encoder | None = None

    @property
    def device(self) -> Any:
        """Where the network runs; None while it is not open."""
        return getattr(self._opened, "device", None)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1."""
        return self.whole().encode_images(images)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1."""
        return self.whole().encode_texts(texts)

    def whole(self) -> Encoder:
        """The encoder itself, opened now if it was not.

        Raises:
            ModelError: it is not what was remembered, which is forgotten then; and whatever opening it raises.
        """
        if self._opened is None:
            opened = self._open()
            if About.of(opened) != self._about:
                self._forget()
                raise ModelError(
                    f"{self.provenance.model!r} is not what it was when it was opened last, though its files keep "
                    "their names, sizes and times: run the same command again."
                )
            self._opened = opened
        return self._opened


def remembered(folder: Path, model: str, settings: Settings, open: Callable[[], Encoder]) -> Encoder:
    """The encoder of the checkpoint in `folder`: deferred where it is remembered, else opened and remembered.

    Args:
        folder: the checkpoint.
        model: its address, as it was given.
        settings: how it runs.
        open: opens it.
    """
    file = cache_root(os.environ) / "mirante" / "models" / f"{_identity(folder, model, settings)}.json"
    if about := _read(file):
        return Deferred(about, open, partial(file.unlink, missing_ok=True))
    encoder = open()
    _write(file, About.of(encoder))
    return encoder


def _identity(folder: Path, model: str, settings: Settings) -> str:
    """16 hex digits of what tells this model, so set, from all others, without reading its weights."""
    told = {
        "model": model,
        "settings": asdict(settings),
        "files": seen(folder),
        "code": code(),
    }
    return digests.of(told)


def _read(file: Path) -> About | None:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        return About(Provenance(**held["provenance"]), int(held["dim"]), held["scale"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there, or not whole: the model is opened, and it is written again


def _write(file: Path, about: About) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.write_text(json.dumps(asdict(about)), encoding="utf-8")
        draft.replace(file)
    except OSError:
        pass  # a cache that cannot be written costs time, nothing else
