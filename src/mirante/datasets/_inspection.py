"""What a data set holds and what is wrong with it, before anything is computed from it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeAlias

from PIL.Image import Image

from mirante.errors import UnreadableImage
from mirante.progress import track
from mirante.types import Dataset, Item, Picture

EXAMPLES = 20
"""Groups shown at most; the counts are of all."""

Look: TypeAlias = Callable[[str, Item, Image | None], None]
"""Sees the split and every row; with its pixels where they are decoded for the first time and can be."""


@dataclass(frozen=True)
class Split:
    """Number of rows with a picture, and of captions."""

    images: int
    captions: int


@dataclass(frozen=True)
class EqualCaptions:
    """One text on several different images."""

    text: str
    images: tuple[str, ...]


@dataclass(frozen=True)
class Leak:
    """The same picture in two splits.

    Args:
        splits: their names.
        images: number of different pictures in both.
        examples: pairs of ids, one of each split.
    """

    splits: tuple[str, str]
    images: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Inspection:
    """The findings, over all splits of a data set.

    Args:
        name: the data's address.
        revision: what pins its content.
        images: rows with a picture, equal and unreadable ones included.
        captions: number of captions.
        uncaptioned: pictures without a caption.
        languages: language tag (`""` where unknown) → captions.
        columns: role → column.
        merged: pictures equal to an earlier one (same encoded bytes); `images - merged` are different.
        duplicates: groups of ids of equal pictures, the largest first.
        repeated_captions: captions whose text (case and outer space aside) also describes a different image.
        equal_captions: such texts, the most frequent first.
        unreadable: id → reason.
        splits: split → its size.
        leaks: pairs of splits that share pictures.
        ignored: kinds of file left out → number.
    """

    name: str
    revision: str
    images: int
    captions: int
    uncaptioned: int
    languages: Mapping[str, int]
    columns: Mapping[str, str]
    merged: int
    duplicates: tuple[tuple[str, ...], ...]
    repeated_captions: int
    equal_captions: tuple[EqualCaptions, ...]
    unreadable: Mapping[str, str]
    splits: Mapping[str, Split]
    leaks: tuple[Leak, ...]
    ignored: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, `"schema": 1`."""
        return {
            "schema": 1,
            "data": self.name,
            "revision": self.revision,
            "images": self.images,
            "captions": self.captions,
            "uncaptioned": self.uncaptioned,
            "languages": dict(self.languages),
            "columns": dict(self.columns),
            "duplicate_images": {"merged": self.merged, "groups": [list(ids) for ids in self.duplicates]},
            "equal_captions": {
                "captions": self.repeated_captions,
                "groups": [{"text": one.text, "images": list(one.images)} for one in self.equal_captions],
            },
            "unreadable": [{"id": image, "reason": reason} for image, reason in self.unreadable.items()],
            "splits": {k: {"images": one.images, "captions": one.captions} for k, one in self.splits.items()},
            "leaks": [
                {"splits": list(one.splits), "images": one.images, "examples": [list(ids) for ids in one.examples]}
                for one in self.leaks
            ],
            "ignored": dict(self.ignored),
        }


def inspect(dataset: Dataset, language: str | None = None, *, look: Look | None = None) -> Inspection:
    """Read every row of every split once and decode every different picture once.

    Args:
        dataset: what to look at.
        language: only captions in this language, where given.
        look: looks at the same rows and pixels, so that nothing is decoded twice.
    """
    seen = _Seen(look)
    for split in dataset.splits:
        for item in track(dataset.items(split, language), f"inspect {split}", unit="images"):
            seen.add(split, item)
    groups = sorted((ids for ids in seen.by_content.values() if len(ids) > 1), key=len, reverse=True)
    equal = {text: images for text, images in seen.by_text.items() if len({c for _, c in images}) > 1}
    frequent = sorted(equal.items(), key=lambda one: -len(one[1]))
    return Inspection(
        name=dataset.name,
        revision=dataset.revision,
        images=seen.images.total(),
        captions=seen.captions.total(),
        uncaptioned=seen.uncaptioned,
        languages=dict(sorted(seen.languages.items())),
        columns=dataset.columns,
        merged=sum(len(ids) - 1 for ids in groups),
        duplicates=tuple(tuple(image for _, image in ids) for ids in groups[:EXAMPLES]),
        repeated_captions=sum(len(images) for images in equal.values()),
        equal_captions=tuple(
            EqualCaptions(text, tuple(dict.fromkeys(image for image, _ in images)))
            for text, images in frequent[:EXAMPLES]
        ),
        unreadable=seen.unreadable,
        splits={split: Split(seen.images[split], seen.captions[split]) for split in dataset.splits},
        leaks=tuple(_leaks(dataset.splits, seen.by_content.values())),
        ignored=getattr(dataset, "ignored", {}),
    )


class _Seen:
    """What the rows told so far; no pixels are kept."""

    def __init__(self, look: Look | None) -> None:
        self._look = look
        self.images: Counter[str] = Counter()
        self.captions: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.uncaptioned = 0
        self.by_content: dict[str, list[tuple[str, str]]] = {}
        self.by_text: dict[str, list[tuple[str, str]]] = {}
        self.unreadable: dict[str, str] = {}
        self._reasons: dict[str, str | None] = {}

    def add(self, split: str, item: Item) -> None:
        picture = item.picture
        self.images[split] += 1
        self.captions[split] += len(item.captions)
        self.languages.update(caption.language for caption in item.captions)
        self.uncaptioned += not item.captions
        self.by_content.setdefault(picture.content, []).append((split, picture.id))
        for caption in item.captions:
            self.by_text.setdefault(caption.text.strip().casefold(), []).append((picture.id, picture.content))
        image = None
        if picture.content not in self._reasons:
            image, self._reasons[picture.content] = _decoded(picture)
        if reason := self._reasons[picture.content]:
            self.unreadable[picture.id] = reason
        if self._look:
            self._look(split, item, image)


def _decoded(picture: Picture) -> tuple[Image | None, str | None]:
    """The pixels, or why there are none."""
    try:
        return picture.load(), None
    except UnreadableImage as error:
        return None, error.reason


def _leaks(splits: Sequence[str], groups: Iterable[list[tuple[str, str]]]) -> Iterator[Leak]:
    shared: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for group in groups:
        first: dict[str, str] = {}
        for split, image in group:
            first.setdefault(split, image)
        for one, other in combinations([split for split in splits if split in first], 2):
            shared.setdefault((one, other), []).append((first[one], first[other]))
    for pair, found in sorted(shared.items()):
        yield Leak(pair, len(found), tuple(found[:EXAMPLES]))
