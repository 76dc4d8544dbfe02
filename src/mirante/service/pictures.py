"""Uploaded pictures: decoded within limits, and kept beside the gallery that they were added to."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL.Image import Image

from mirante import pixels
from mirante.errors import ServiceError
from mirante.search.generations import sync
from mirante.service.settings import Limits

FOLDER = "pictures"
"""In the gallery's folder: files that were uploaded, under names of our own."""


class Pictures:
    """Decodes uploads: each within the limit of pixels, and only so many in memory at once."""

    def __init__(self, limits: Limits) -> None:
        self._pixels, self._seconds = limits.pixels, limits.seconds
        self._room = threading.BoundedSemaphore(limits.pictures)

    @contextmanager
    def decoded(self, data: bytes) -> Iterator[Image]:
        """The RGB picture that `data` encodes; it counts as in memory until the block ends.

        Raises:
            UnreadableImage: the bytes are no picture, damaged, or claim too many pixels.
            ServiceError: 504, there was no room in time.
        """
        if not self._room.acquire(timeout=self._seconds):
            raise ServiceError(504, "late", f"There was no room for a picture within {self._seconds:g} s: ask later.")
        try:
            yield pixels.decode(data, max_pixels=self._pixels)
        finally:
            self._room.release()


def keep(gallery: Path, id_: str, data: bytes) -> Path:
    """Write an uploaded picture durably; its name is made of hashes, nothing of it comes from outside."""
    folder = gallery / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{_hash(id_.encode())}-{pixels.content_hash(data)}"
    draft = path.with_suffix(".new")
    draft.write_bytes(data)
    sync(draft)
    draft.replace(path)
    sync(folder)
    return path.absolute()


def forget(gallery: Path, path: str | None) -> None:
    """Remove a file that `keep` wrote; any other is left alone."""
    if path and Path(path).parent == (gallery / FOLDER).absolute():
        Path(path).unlink(missing_ok=True)


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
