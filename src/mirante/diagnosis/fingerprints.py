"""What is kept of each picture to recognise its copies: a thumbnail of 48 by 48 pixels, 7 KB a picture."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mirante.disk import disk
from mirante.errors import StoreError, UnreadableImage
from mirante.progress import track
from mirante.types import Picture

SIDE = 48
"""Of a thumbnail, pixels. The picture is squeezed into the square: its shape plays no part."""

Thumbnails: TypeAlias = NDArray[np.uint8]
_CHUNK = 64


@dataclass(frozen=True)
class Fingerprints:
    """The thumbnails of n pictures; 100,000 take 690 MB.

    Args:
        ids: n ids.
        contents: n hashes of content, equal for equal pictures.
        thumbnails: (n, 48, 48, 3) uint8, RGB.
        unreadable: ids of pictures that have none → why.
    """

    ids: tuple[str, ...]
    contents: tuple[str, ...]
    thumbnails: Thumbnails
    unreadable: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, numbers: Sequence[int] | NDArray[np.int64]) -> Self:
        """Those pictures only, in that order."""
        ids = tuple(self.ids[number] for number in numbers)
        contents = tuple(self.contents[number] for number in numbers)
        return type(self)(ids, contents, self.thumbnails[np.asarray(numbers, np.int64)])

    def select(self, ids: Iterable[str]) -> Self:
        """The pictures with one of these ids, in that order; ids without a thumbnail are passed over."""
        place = {one: number for number, one in enumerate(self.ids)}
        return self.rows([place[one] for one in ids if one in place])

    def save(self, path: Path) -> None:
        """Write one `.npz` file, whole or not at all.

        Raises:
            StoreError: the disk is full or refuses.
        """
        part = path.with_suffix(".part")
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(
                    file,
                    ids=np.array(self.ids, dtype=np.str_),
                    contents=np.array(self.contents, dtype=np.str_),
                    thumbnails=self.thumbnails,
                )
            part.replace(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what `save` wrote; nothing is unpickled.

        Raises:
            StoreError: the file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                ids, contents = tuple(found["ids"].tolist()), tuple(found["contents"].tolist())
                thumbnails = found["thumbnails"]
            if thumbnails.shape != (len(ids), SIDE, SIDE, 3) or len(contents) != len(ids):
                raise ValueError(f"{len(ids)} ids, {len(contents)} contents, thumbnails {thumbnails.shape}")
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise StoreError(f"{str(path)!r} cannot be read ({error}): delete it, it is made again.") from error
        return cls(ids, contents, thumbnails)


def thumbnail(image: Image.Image) -> Thumbnails:
    """An RGB picture at 48 by 48 pixels, each the mean of what it covers: (48, 48, 3) uint8."""
    shrinks = min(image.size) >= SIDE
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE), method, reducing_gap=3.0), dtype=np.uint8)


def fingerprint(pictures: Sequence[Picture], label: str = "fingerprints") -> Fingerprints:
    """Decode every picture once, on all cores; equal contents once, unreadable ones are named.

    Args:
        pictures: any number.
        label: of the progress.
    """
    first: dict[str, Picture] = {}
    for picture in pictures:
        first.setdefault(picture.content, picture)
    wanted = list(first.values())
    ids, contents, small, unreadable = list[str](), list[str](), list[Thumbnails](), dict[str, str]()
    for picture, made in track(zip(wanted, _made(wanted), strict=True), label, total=len(wanted), unit="pictures"):
        if isinstance(made, str):
            unreadable[picture.id] = made
        else:
            ids.append(picture.id)
            contents.append(picture.content)
            small.append(made)
    return gathered(ids, contents, small, unreadable)


def _made(pictures: Sequence[Picture]) -> Iterator[Thumbnails | str]:
    """The thumbnail of each picture, or why it cannot be read; a few are under way."""
    rest = iter(pictures)
    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
        while chunk := list(islice(rest, _CHUNK)):
            yield from pool.map(_try, (picture.load for picture in chunk))


def _try(load: Callable[[], Image.Image]) -> Thumbnails | str:
    try:
        return thumbnail(load())
    except UnreadableImage as error:
        return error.reason


def gathered(
    ids: Sequence[str],
    contents: Sequence[str],
    small: Sequence[Thumbnails],
    unreadable: dict[str, str] | None = None,
) -> Fingerprints:
    """The fingerprints of pictures that were made one by one."""
    stacked = np.stack(small) if small else np.empty((0, SIDE, SIDE, 3), np.uint8)
    return Fingerprints(tuple(ids), tuple(contents), stacked, unreadable or {})
