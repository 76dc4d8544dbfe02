"""What it costs to encode: an encoder that notes how long it takes, and what that is in money."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL.Image import Image

from mirante.disk import disk
from mirante.encoders._deferred import Deferred
from mirante.environment import device_of
from mirante.types import Encoder, Provenance, Vectors

KINDS = ("images", "texts")


@dataclass
class Timed:
    """An encoder, and the seconds of its calls.

    Args:
        encoder: does the work.
        calls: kind → number of items and seconds of each call.
    """

    encoder: Encoder
    calls: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def provenance(self) -> Provenance:
        """The encoder's."""
        return self.encoder.provenance

    @property
    def dim(self) -> int:
        """The encoder's."""
        return self.encoder.dim

    @property
    def scale(self) -> int | None:
        """Pixels a side that the encoder wants pictures decoded with, None for all."""
        found: int | None = getattr(self.encoder, "scale", None)
        return found

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """As the encoder does."""
        return self._noted("images", self.encoder.encode_images, images)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """As the encoder does."""
        return self._noted("texts", self.encoder.encode_texts, texts)

    def each(self, kind: str) -> float | None:
        """Seconds of one item, without the first call where there are others; None where there was none."""
        calls = self.calls[kind][1:] or self.calls[kind]
        items = sum(count for count, _ in calls)
        return sum(seconds for _, seconds in calls) / items if items else None

    def _noted(self, kind: str, encode: Callable[[Any], Vectors], items: Sequence[Any]) -> Vectors:
        if isinstance(self.encoder, Deferred):
            self.encoder.whole()  # opening it is not encoding
        start = time.perf_counter()
        rows = encode(items)
        self.calls[kind].append((len(items), time.perf_counter() - start))
        return rows


def each_image(seconds: float | None, device: str, usd_per_hour: float = 0.0) -> dict[str, Any]:
    """What a picture that was drawn or described took, in the fields of `taken`; None where nobody knows.

    >>> each_image(1.8, "cpu", 2.0)
    {'device': 'cpu', 'seconds_per_image': 1.8, 'usd_per_hour': 2.0, 'usd_per_1000_images': 1.0}
    """
    money = (
        {"usd_per_1000_images": 1000 * seconds * usd_per_hour / 3600} if usd_per_hour and seconds is not None else {}
    )
    return {"device": device, "seconds_per_image": seconds, "usd_per_hour": usd_per_hour or None, **money}


def taken(timed: Timed, kept: Path | None = None, usd_per_hour: float = 0.0) -> dict[str, Any] | None:
    """Seconds of a picture and of a text, where they were encoded, and their money; None where nobody knows.

    Args:
        timed: what has just encoded, or taken everything from a cache.
        kept: the file beside the cache that remembers this for the next time.
        usd_per_hour: price of the machine, 0 where it is not known.
    """
    found = json.loads(kept.read_text(encoding="utf-8")) if kept and kept.is_file() else {}
    fresh = {f"seconds_per_{kind[:-1]}": each for kind in KINDS if (each := timed.each(kind)) is not None}
    if fresh:
        found |= {"device": device_of(timed.encoder), **fresh}
        if kept:
            with disk(kept):
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(found), encoding="utf-8")
    if not found:
        return None
    per_second = usd_per_hour / 3600
    money = {
        "usd_per_1000_texts": 1000 * found.get("seconds_per_text", 0) * per_second,
        "usd_per_1000_images": 1000 * found.get("seconds_per_image", 0) * per_second,
    }
    training = _training(timed.provenance.model)
    return found | {"usd_per_hour": usd_per_hour or None} | (money if usd_per_hour else {}) | {"training": training}


def _training(model: str) -> Mapping[str, Any] | None:
    """What the run took that made this checkpoint, and what was expected of it."""
    try:
        known = json.loads((Path(model).parent / "cost.json").read_text(encoding="utf-8"))
        return {"actual": dict(known["actual"]), "predicted": known["predicted"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
