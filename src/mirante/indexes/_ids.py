"""Ids of rows by number: a saved part that is mapped and searched where it lies, and the changes made since.

```
ids-text.npy    the saved ids in UTF-8, one after the other, (bytes,) uint8
ids-ends.npy    where each ends, (n,) int64
ids-order.npy   numbers of the rows that may be found, by the bytes of their ids, (living,) int64
changes.json    ids added and rows struck out since these were written; absent where there are none
```
Opening reads none of them whole, so that it takes no longer for a million ids than for ten.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.errors import StoreError
from mirante.indexes._files import link, mapped

Numbers: TypeAlias = NDArray[np.int64]

_FILES = ("ids-text.npy", "ids-ends.npy", "ids-order.npy")
_CHANGES = "changes.json"
_FORMER = "ids.json"
_MANY = 1000
"""Ids asked for at once from which a dictionary of all is worth its time and memory."""
_SHARE = 8
"""The saved part is written anew when one row of so many has changed since."""


@dataclass(frozen=True)
class _Saved:
    """The mapped part; `folder` is where it lies, None for no rows at all."""

    text: NDArray[np.uint8]
    ends: Numbers
    order: Numbers
    folder: Path | None = None

    def id(self, number: int) -> bytes:
        start = int(self.ends[number - 1]) if number else 0
        return self.text[start : int(self.ends[number])].tobytes()

    def find(self, one: bytes) -> int | None:
        at = bisect_left(range(len(self.order)), one, key=lambda place: self.id(int(self.order[place])))
        if at < len(self.order) and self.id(number := int(self.order[at])) == one:
            return number
        return None

    def table(self) -> dict[str, int]:
        """Id → number of every row that may be found."""
        text, ends = self.text.tobytes(), [0, *self.ends.tolist()]
        every = [_str(text[start:end]) for start, end in pairwise(ends)]
        return {every[number]: number for number in self.order.tolist()}


_NOTHING = _Saved(np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.int64))


class Ids:
    """Numbers of ids and ids of numbers. A number is given once: a row that is struck out keeps its own."""

    def __init__(self, ids: Iterable[str] = (), saved: _Saved = _NOTHING) -> None:
        self._saved, self._table = saved, dict[str, int]()
        self._new, self._at, self._struck = list[str](), dict[str, int](), set[int]()
        self._written_alone = len(saved.ends) - len(saved.order)
        self.extend(list(ids))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what `save` wrote, or read the one JSON list of earlier versions.

        Raises:
            StoreError: a file is missing, cut short, or they do not agree.
        """
        if not (folder / _FILES[0]).exists() and (folder / _FORMER).exists():
            return cls._former(_json(folder / _FORMER), folder)
        text, ends, order = (mapped(folder / name) for name in _FILES)
        kinds = [f"{one.dtype} {one.ndim}" for one in (text, ends, order)]
        whole = kinds == ["uint8 1", "int64 1", "int64 1"] and len(order) <= len(ends)
        if not whole or len(text) != (int(ends[-1]) if len(ends) else 0):
            raise StoreError(f"The ids in {str(folder)!r} do not agree with each other: index the data again.")
        made = cls(saved=_Saved(text, ends, order, folder))
        if (folder / _CHANGES).exists():
            made._replay(_json(folder / _CHANGES), folder / _CHANGES)
        return made

    @classmethod
    def _former(cls, listed: object, folder: Path) -> Self:
        """From a list with null for each row struck out."""
        made = cls()
        rows = listed if isinstance(listed, list) else [0]
        changes = {"new": [one or "" for one in rows], "struck": [at for at, one in enumerate(rows) if one is None]}
        made._replay(changes, folder / _FORMER)
        return made

    def _replay(self, changes: Any, file: Path) -> None:
        """Take over the changes that `file` holds."""
        known: Any = changes if isinstance(changes, Mapping) else {}
        new, struck = known.get("new"), known.get("struck")
        if not _are(str, new) or not _are(int, struck):
            raise StoreError(f"The index file {str(file)!r} is damaged: index the data again.")
        self._new, self._struck = new, set(struck)
        self._at = {one: at for at, one in enumerate(new, len(self._saved.ends)) if at not in self._struck}

    @property
    def total(self) -> int:
        """Numbers given, those of struck rows included; the next row gets this one."""
        return len(self._saved.ends) + len(self._new)

    def __len__(self) -> int:
        return self.total - self._written_alone - len(self._struck)

    def find(self, ids: Sequence[str]) -> list[int | None]:
        """The number of each id, None where no row has it."""
        if len(ids) > _MANY and not self._table and len(self._saved.order):
            self._table = self._saved.table()
        return [self._find(one) for one in ids]

    def _find(self, one: str) -> int | None:
        number = self._at.get(one)
        if number is None:
            number = self._table.get(one) if self._table else self._saved.find(_bytes(one))
        return None if number in self._struck else number

    def extend(self, ids: Sequence[str]) -> None:
        """Give each of `ids` the next number; the row that had it before is struck out."""
        self.strike(ids)
        first = self.total
        self._new.extend(ids)
        self._at.update(zip(ids, range(first, self.total), strict=True))

    def strike(self, ids: Iterable[str]) -> int:
        """Strike out the rows of `ids`; how many there were."""
        found = {number for number in self.find(list(ids)) if number is not None}
        self._struck |= found
        return len(found)

    def names(self, numbers: Iterable[int]) -> list[str]:
        """Ids of rows that are not struck out."""
        first = len(self._saved.ends)
        return [self._new[one - first] if one >= first else _str(self._saved.id(one)) for one in numbers]

    def living(self) -> Numbers:
        """Numbers of the rows not struck out, ascending."""
        kept = np.zeros(self.total, np.bool_)
        kept[self._saved.order] = True
        kept[len(self._saved.ends) :] = True
        kept[list(self._struck)] = False
        return np.flatnonzero(kept)

    def save(self, folder: Path) -> None:
        """Write the files: the changes alone, beside links to the saved part, while they are few."""
        changed = len(self._new) + len(self._struck)
        if self._saved.folder is None or _SHARE * changed > self.total:
            self._write(folder)
            return
        for name in _FILES:
            link(self._saved.folder / name, folder / name)
        if changed:
            document = {"new": self._new, "struck": sorted(self._struck)}
            (folder / _CHANGES).write_text(json.dumps(document), encoding="utf-8")

    def _write(self, folder: Path) -> None:
        first, living = len(self._saved.ends), self.living().tolist()
        texts = [self._saved.id(one) for one in range(first)] + [_bytes(one) for one in self._new]
        ends = np.cumsum([len(one) for one in texts], dtype=np.int64)
        text = np.frombuffer(b"".join(texts), np.uint8)
        order = np.array(sorted(living, key=texts.__getitem__), np.int64)
        rows: tuple[NDArray[Any], ...] = (text, ends, order)
        for name, part in zip(_FILES, rows, strict=True):
            np.save(folder / name, part)


def _are(kind: type, listed: Any) -> bool:
    return isinstance(listed, list) and all(isinstance(one, kind) for one in listed)


def _bytes(one: str) -> bytes:
    return one.encode("utf-8", "surrogatepass")


def _str(one: bytes) -> str:
    return one.decode("utf-8", "surrogatepass")


def _json(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"The index file {str(file)!r} cannot be read ({error}): index the data again.") from error
