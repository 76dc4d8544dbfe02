"""How a row becomes a `Picture`: hashed at once, decoded only when somebody loads it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PIL.Image import Image

from mirante.errors import UnreadableImage
from mirante.pixels import content_hash, decode, read_bytes, read_file
from mirante.types import Metadata, Picture


def from_file(image: str, path: Path, metadata: Metadata) -> Picture:
    """The picture in `path`; its file is read once now, for the hash, and again when it is loaded."""
    try:
        data = read_bytes(path)
    except UnreadableImage as error:
        return unreadable(image, error.reason, error.detail, metadata, str(path))
    if not data:
        return unreadable(image, "empty", f"{str(path)!r} holds no bytes; fetch it again", metadata, str(path))
    return Picture(image, content_hash(data), partial(read_file, path), metadata, str(path))


def from_bytes(image: str, data: bytes, load: Callable[[], Image] | None, metadata: Metadata) -> Picture:
    """The picture encoded in `data`; `load` fetches the bytes again, without it the picture keeps them."""
    if not data:
        return unreadable(image, "empty", "the cell holds no bytes", metadata)
    return Picture(image, content_hash(data), load or partial(decode, data), metadata)


def unreadable(image: str, reason: str, detail: str, metadata: Metadata, path: str | None = None) -> Picture:
    """A picture known to be unreadable: it keeps its row, equals no other, and says why when loaded."""
    return Picture(image, f"{reason}:{image}", partial(_refuse, reason, detail), metadata, path)


def from_cell(
    image: str, cell: Any, root: Path, metadata: Metadata, *, load: Callable[[], Image] | None = None
) -> Picture:
    """The picture of a table's cell: bytes, a path under `root`, or a dictionary of `bytes` and `path`."""
    source = source_of(cell)
    if isinstance(source, bytes):
        return from_bytes(image, source, load, metadata)
    if not source:
        return unreadable(image, "missing", "the cell is empty", metadata)
    if is_url(source):
        return unreadable(image, "remote", f"{source!r} is not on this machine; download it first", metadata)
    return from_file(image, root / source, metadata)


def source_of(cell: Any) -> bytes | str | None:
    """What a cell holds: encoded bytes, a path or URL, or nothing. Of several pictures, the first."""
    if isinstance(cell, bytes | bytearray | memoryview):
        return bytes(cell)
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, dict):
        return source_of(cell.get("bytes") if cell.get("bytes") is not None else cell.get("path"))
    return source_of(cell[0]) if isinstance(cell, list) and cell else None


def is_url(source: str) -> bool:
    """Whether a path is an address on the network."""
    return source.startswith(("http://", "https://", "s3://", "gs://", "ftp://"))


def _refuse(reason: str, detail: str) -> Image:
    raise UnreadableImage(reason, detail)
