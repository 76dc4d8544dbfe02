"""Pictures listed in a file, each in a file of its own: what JSON, JSON Lines and text lists have in common."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mirante.datasets import _splits
from mirante.datasets._captions import Tagged, captions, texts_of
from mirante.datasets._files import fingerprint
from mirante.datasets._pictures import from_file
from mirante.types import Item, Metadata, Picture


@dataclass(frozen=True)
class Entry:
    """One picture of a list; `file` is its path from the list's root."""

    id: str
    file: str
    split: str
    texts: tuple[Tagged, ...]
    metadata: Metadata


@dataclass(frozen=True)
class Listed:
    """The entries of a list and the folder of their pictures.

    Args:
        name: the address.
        entries: in the list's order.
        root: where the pictures' paths start.
        lists: the files that the entries come from.
        roles: role → field read.
        language: wanted captions where `items` is not told.
        languages_apart: whether the data set is one test in several languages, each judged by itself.
    """

    name: str
    entries: tuple[Entry, ...]
    root: Path
    lists: tuple[Path, ...]
    roles: Mapping[str, str]
    language: str | None = None
    languages_apart: bool = False

    @cached_property
    def revision(self) -> str:
        """Fingerprint of the lists (not of the pictures)."""
        return fingerprint(self.lists)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The splits that the entries name."""
        return _splits.ordered({entry.split for entry in self.entries})

    @property
    def columns(self) -> Mapping[str, str]:
        """Role → field read."""
        return self.roles

    def count(self, split: str) -> int:
        """Number of pictures of a split."""
        return sum(entry.split == split for entry in self.entries)

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the pictures of `split` in the list's order."""
        for entry in self.of(split):
            yield Item(self.picture(entry), captions(entry.id, entry.texts, language or self.language))

    def of(self, split: str) -> Iterator[Entry]:
        """The entries of a split.

        Raises:
            UnknownName: there is no such split.
        """
        _splits.check(split, self.splits)
        return (entry for entry in self.entries if entry.split == split)

    def picture(self, entry: Entry) -> Picture:
        """The picture of an entry."""
        return from_file(entry.id, self.root / entry.file, entry.metadata)


def coco_entries(data: Any, split: str) -> list[Entry]:
    """The entries of COCO's captions: `images` and `annotations` with an `image_id` and a `caption`."""
    texts: dict[Any, list[Tagged]] = {}
    for note in data["annotations"]:
        texts.setdefault(note["image_id"], []).append((note["caption"], ""))
    return [
        Entry(str(one["id"]), one["file_name"], split, tuple(texts.get(one["id"], ())), metadata(one, ("id",)))
        for one in data["images"]
    ]


def karpathy_entries(data: Any, language: str = "") -> list[Entry]:
    """The entries of Karpathy's JSON: `images` with `filename`, `split` and `sentences`, all in one language.

    Source: Karpathy and Fei-Fei 2015, arXiv 1412.2306; the files of its project page.
    """
    return [
        Entry(
            str(one.get("cocoid", one["filename"])),
            str(Path(one.get("filepath", ""), one["filename"])),
            str(one.get("split", _splits.WHOLE)),
            tuple(texts_of(one["sentences"], language)),
            metadata(one, ("cocoid", "split", "filepath", "imgid")),
        )
        for one in data["images"]
    ]


def metadata(one: Mapping[str, Any], without: Sequence[str]) -> Metadata:
    """The scalar fields of a row, less its file names and those of `without`."""
    names = {"file_name", "filename", *without}
    return {key: v for key, v in one.items() if key not in names and isinstance(v, str | int | float | bool)}
