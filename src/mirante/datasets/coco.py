"""COCO captions (`captions_val2017.json`) and Karpathy's JSON (`dataset_flickr30k.json`), pictures beside them.

The id of a picture is COCO's own number, or its file name where it has none. Karpathy's files name the split of
each picture; of COCO's, the file's name does.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mirante.datasets import _splits
from mirante.datasets._captions import Tagged, captions, texts_of
from mirante.datasets._columns import SAMPLE
from mirante.datasets._files import exists, fingerprint
from mirante.datasets._options import ReadOptions
from mirante.datasets._pictures import from_file
from mirante.datasets._roots import image_root
from mirante.errors import DataError
from mirante.types import Item, Metadata


def accepts(address: str) -> bool:
    """Whether the address is a `.json` file that holds an object (a list is a table)."""
    path = Path(address)
    if path.suffix.lower() != ".json" or not exists(address) or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(200).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def open(address: str, options: ReadOptions) -> "CaptionFile":
    """Read the JSON file (in memory) and find its pictures.

    Raises:
        DataError: it is not JSON, or neither of the two forms.
        UsageError: its pictures are nowhere near; say where with the image root.
    """
    path = Path(address)
    try:
        data = json.loads(path.read_bytes())
        entries = _coco(data, _splits.split_in(path.name)) if "annotations" in data else _karpathy(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{address!r} is neither COCO captions nor Karpathy's JSON ({type(error).__name__}: {error}): "
            "it needs images and annotations with captions, or images with sentences."
        ) from error
    if not entries:
        raise DataError(f"{address!r} lists no images: check the file.")
    first = [entry.file for entry in entries[:SAMPLE]]
    places = [path.parent, *(path.parent.parent / name for name in (path.stem.rpartition("_")[2],))]
    near = next((place for place in places if any((place / one).is_file() for one in first)), path.parent)
    return CaptionFile(address, tuple(entries), image_root(first, near, options.image_root, address), options.language)


@dataclass(frozen=True)
class Entry:
    """One picture of the file."""

    id: str
    file: str
    split: str
    texts: tuple[Tagged, ...]
    metadata: Metadata


@dataclass(frozen=True)
class CaptionFile:
    """The entries of a JSON file and the folder of its pictures."""

    name: str
    entries: tuple[Entry, ...]
    root: Path
    language: str | None = None

    @cached_property
    def revision(self) -> str:
        """Fingerprint of the JSON file."""
        return fingerprint([Path(self.name)])

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The splits named in the file, or by its name."""
        return _splits.ordered({entry.split for entry in self.entries})

    @property
    def columns(self) -> Mapping[str, str]:
        """The fields read."""
        return {"image": "file_name", "text": "caption"}

    def count(self, split: str) -> int:
        """Number of pictures of a split."""
        return sum(entry.split == split for entry in self.entries)

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the pictures of `split` in the file's order."""
        _splits.check(split, self.splits)
        for entry in self.entries:
            if entry.split == split:
                picture = from_file(entry.id, self.root / entry.file, entry.metadata)
                yield Item(picture, captions(entry.id, entry.texts, language or self.language))


def example(folder: Path) -> str:
    """Write Karpathy's JSON and six pictures into `folder`; returns its address."""
    from mirante.datasets._example import samples

    (folder / "images").mkdir()
    images = []
    for number, one in enumerate(samples()):
        (folder / "images" / one.name).write_bytes(one.data)
        sentences = [{"raw": one.english, "tokens": one.english.split()}, {"raw": one.portuguese}]
        split = "test" if number >= 4 else "train"
        images.append({"filename": one.name, "cocoid": 100 + number, "split": split, "sentences": sentences})
    (folder / "dataset_example.json").write_text(json.dumps({"dataset": "example", "images": images}))
    return str(folder / "dataset_example.json")


def _coco(data: Any, split: str) -> list[Entry]:
    texts: dict[Any, list[Tagged]] = {}
    for note in data["annotations"]:
        texts.setdefault(note["image_id"], []).append((note["caption"], ""))
    return [
        Entry(str(one["id"]), one["file_name"], split, tuple(texts.get(one["id"], ())), _metadata(one, {"id"}))
        for one in data["images"]
    ]


def _karpathy(data: Any) -> list[Entry]:
    return [
        Entry(
            str(one.get("cocoid", one["filename"])),
            str(Path(one.get("filepath", ""), one["filename"])),
            str(one.get("split", _splits.WHOLE)),
            tuple(texts_of(one["sentences"])),
            _metadata(one, {"cocoid", "split", "filepath", "imgid"}),
        )
        for one in data["images"]
    ]


def _metadata(one: Mapping[str, Any], without: set[str]) -> Metadata:
    names = {"file_name", "filename", *without}
    return {key: v for key, v in one.items() if key not in names and isinstance(v, str | int | float | bool)}
