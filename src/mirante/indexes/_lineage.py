"""Which rows of a collection an index consists of: segments, in the order in which they were written.

An engine keeps each row under a key: the segment that it was written with, and its place there. Segments are drawn at
random, so that two programs that go on from one saved state write beside each other, never over each other; rows of a
segment that no state names are seen by nobody.
"""

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mirante import config
from mirante.errors import StoreError, UsageError
from mirante.indexes._rows import Numbers

FILE = "engine.json"

_PLACES = 23
"""Bits of a key that count the rows of a segment; the 40 bits above them name the segment."""
_SEGMENT = 1 << _PLACES
_NAME = re.compile(r"mirante_[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Superseded:
    """A collection that a compaction left behind, and the segments that its last state consisted of."""

    collection: str
    segments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """The rows of one state of an index.

    Args:
        engine: the component that keeps them.
        address: where it keeps them, without user and password; told in messages, not connected to.
        collection: their table or collection, empty before the first row.
        dim: width of a row.
        segments: as they were written.
        sizes: rows of each.
        superseded: what the last compaction left behind, for those who still read it.
    """

    engine: str
    address: str
    collection: str
    dim: int
    segments: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    superseded: Superseded | None = None

    @property
    def total(self) -> int:
        """Rows of all segments, struck ones included."""
        return sum(self.sizes)

    def grown(self, count: int) -> tuple["Lineage", Numbers]:
        """The same with `count` more rows, and the (count,) keys of these."""
        sizes = [min(_SEGMENT, count - start) for start in range(0, count, _SEGMENT)]
        segments = [1 + secrets.randbelow((1 << 40) - 1) for _ in sizes]
        grown = replace(self, segments=(*self.segments, *segments), sizes=(*self.sizes, *sizes))
        return grown, grown.keys(np.arange(self.total, grown.total))

    def begun_anew(self) -> "Lineage":
        """No rows in a collection of a new name, which supersedes this one."""
        left = Superseded(self.collection, self.segments) if self.collection else None
        fresh = f"mirante_{secrets.token_hex(16)}"
        return replace(self, collection=fresh, segments=(), sizes=(), superseded=left)

    def keys(self, numbers: Numbers) -> Numbers:
        """The engine's keys of rows by number."""
        starts = np.concatenate(([0], np.cumsum(self.sizes, dtype=np.int64)))
        at = np.searchsorted(starts, numbers, side="right") - 1
        return (np.array(self.segments, np.int64)[at] << _PLACES) | (numbers - starts[at])

    def numbers(self, keys: Numbers) -> Numbers:
        """Numbers of rows by key, −1 for keys of other lineages; any shape."""
        if not self.segments:
            return np.full(keys.shape, -1, np.int64)
        order = np.argsort(np.array(self.segments, np.int64))
        ranked = np.array(self.segments, np.int64)[order]
        place = np.minimum(np.searchsorted(ranked, segments_of(keys)), len(ranked) - 1)
        at, offset = order[place], keys & (_SEGMENT - 1)
        starts = np.cumsum(self.sizes, dtype=np.int64) - np.array(self.sizes, np.int64)
        known = (ranked[place] == segments_of(keys)) & (offset < np.array(self.sizes, np.int64)[at])
        return np.where(known, starts[at] + offset, -1)

    def save(self, folder: Path) -> None:
        """Write `engine.json`.

        Raises:
            StoreError: the folder holds an index already.
        """
        check_empty(folder)
        (folder / FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


def check_empty(folder: Path) -> None:
    """Let pass a folder without `engine.json`.

    Raises:
        StoreError: it holds an index already.
    """
    if (folder / FILE).exists():
        raise StoreError(f"{str(folder)!r} holds an index already: save into an empty folder.")


def segments_of(keys: Numbers) -> Numbers:
    """The segment of each key; any shape."""
    return keys >> _PLACES


def load(folder: Path, engine: str) -> Lineage:
    """What `Lineage.save` wrote.

    Raises:
        StoreError: it is missing, damaged, or of another engine.
    """
    file = folder / FILE
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8"))
        found = config.build(Lineage, document if isinstance(document, dict) else {}, str(file))
    except (OSError, ValueError, UsageError) as error:
        raise StoreError(f"The index file {str(file)!r} cannot be read ({error}): index the data again.") from error
    if found.engine != engine:
        raise StoreError(f"{str(file)!r} tells of rows in {found.engine!r}, not in {engine!r}: index the data again.")
    if not _sound(found):
        raise StoreError(f"The index file {str(file)!r} is damaged: index the data again.")
    return found


def _sound(found: Lineage) -> bool:
    names: Sequence[str] = [found.collection, *([found.superseded.collection] if found.superseded else [])]
    named = all(_NAME.fullmatch(name) for name in names if name)
    sized = len(found.segments) == len(found.sizes) and all(0 < size <= _SEGMENT for size in found.sizes)
    return named and sized and (bool(found.collection) or not found.segments) and found.dim > 0
