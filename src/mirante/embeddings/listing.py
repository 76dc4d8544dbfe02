"""Listings: which ids of a split show which content, one file of JSON lines for each data set, split and language.

The first line describes the data, each other line one image with its captions, in the data's order. Vectors are found
through contents, so two listings of one folder share the rows of equal pictures.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from mirante.digests import short
from mirante.disk import disk
from mirante.embeddings.folder import Folder
from mirante.embeddings.shelf import SCHEMA, damaged
from mirante.types import Caption, Item, Metadata

Kind: TypeAlias = Literal["images", "texts"]
KINDS: tuple[Kind, ...] = ("images", "texts")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Row:
    """One image as the data set listed it: all but its pixels."""

    id: str
    content: str
    captions: tuple[Caption, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    path: str | None = None

    def contents(self, kind: Kind) -> Iterator[tuple[str, str]]:
        """The (id, content) pairs of `kind`: one for the image, or one for each caption."""
        if kind == "images":
            yield self.id, self.content
        else:
            yield from ((caption.id, text_content(caption.text)) for caption in self.captions)


@dataclass(frozen=True)
class Listing:
    """The head of a listing.

    Args:
        data: address of the data set, without the split.
        revision: what pins its content.
        split: the split.
        language: of the captions, None for all.
        texts: whether captions were embedded beside the images.
        own: whether its rows stand on a shelf of its own, shared with no other listing.
        images: number of rows.
        captions: number of captions.
        schema: version of the format.
    """

    data: str
    revision: str
    split: str
    language: str | None
    texts: bool
    own: bool
    images: int = 0
    captions: int = 0
    schema: int = SCHEMA

    @property
    def key(self) -> str:
        """16 hexadecimal digits: the same data, split and language have one listing, the newest."""
        return short(json.dumps([self.data, self.split, self.language]))

    @property
    def file(self) -> str:
        """Its file's name."""
        return f"listing-{self.key}.jsonl"

    def shelf(self, kind: Kind) -> str:
        """Name of the shelf that holds its rows."""
        return f"{kind}-{self.key}" if self.own else kind


class Draft:
    """A listing that is being written, in an unnamed file that dies with the process. A context manager.

    Args:
        folder: where it will stand.
        head: its head, the counts still 0.
    """

    def __init__(self, folder: Folder, head: Listing) -> None:
        self.head = head
        self._folder = folder
        with disk(folder.path):
            self._rows = TemporaryFile(dir=folder.path)  # noqa: SIM115 (closed on exit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget the rows."""
        self._rows.close()

    def add(self, item: Item) -> None:
        """Write one item down."""
        picture, captions = item.picture, item.captions
        row: dict[str, Any] = {"id": picture.id, "content": picture.content}
        row |= {"captions": [[one.id, one.text, one.language] for one in captions]}
        row |= {"metadata": dict(picture.metadata), "path": picture.path}
        with disk(self._folder.path):
            self._rows.write(json.dumps(row).encode() + b"\n")
        self.head = replace(self.head, images=self.head.images + 1, captions=self.head.captions + len(captions))

    def rows(self) -> Iterator[Row]:
        """Everything written so far."""
        self._rows.seek(0)
        return map(_row, self._rows)

    def finish(self) -> None:
        """Put the listing in its place, whole."""
        with self._folder.claimed(self.head.file):
            self._folder.write(self.head.file, self._bytes())

    def _bytes(self) -> Iterator[bytes]:
        yield json.dumps(asdict(self.head)).encode() + b"\n"
        self._rows.seek(0)
        while chunk := self._rows.read(CHUNK):
            yield chunk


def listings(folder: Path) -> tuple[Listing, ...]:
    """The heads of every listing of a folder, sorted by data, split and language.

    Raises:
        StoreError: a listing is damaged.
    """
    heads = [_head(path) for path in folder.glob("listing-*.jsonl")]
    return tuple(sorted(heads, key=lambda one: (one.data, one.split, one.language or "")))


def read(folder: Path, listing: Listing) -> Iterator[Row]:
    """The rows of a listing, streamed.

    Raises:
        StoreError: it is damaged or cut short.
    """
    path, count = folder / listing.file, 0
    try:
        with path.open("rb") as file:
            next(file)
            for line in file:
                yield _row(line)
                count += 1
    except (OSError, ValueError, LookupError, TypeError) as error:
        damaged(path, error)
    if count != listing.images:
        damaged(path, ValueError(f"{count} rows instead of {listing.images}"))


def text_content(text: str) -> str:
    """The content of a text: its SHA-256 in hexadecimal digits."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fingerprint(ids_and_contents: Iterable[tuple[str, str]]) -> str:
    """16 hexadecimal digits that stand for the ids and contents of some data, in their order."""
    digest = sha256()
    for pair in ids_and_contents:
        digest.update(json.dumps(pair).encode())
    return digest.hexdigest()[:16]


def _head(path: Path) -> Listing:
    try:
        with path.open("rb") as file:
            return Listing(**json.loads(file.readline()))
    except (OSError, ValueError, TypeError) as error:
        damaged(path, error)


def _row(line: bytes) -> Row:
    data: dict[str, Any] = json.loads(line)
    captions = tuple(Caption(*one) for one in data["captions"])
    return Row(data["id"], data["content"], captions, data["metadata"], data["path"])
