"""Shelves: vectors by content, on disk in shards or in memory.

A shard is one safetensors file: `vectors` (n, d) float32, and in its header, as JSON, the n contents (hashes of the
bytes or text that each row was made from), the contents that could not be read with the reason, and a checksum.
Its name comes from its first content, so a shard is found again whatever was embedded before it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol
from zlib import crc32

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mirante.digests import short
from mirante.embeddings.folder import Folder
from mirante.errors import StoreError
from mirante.types import Vectors

SCHEMA = 1
HEADER = "mirante"


@dataclass(frozen=True)
class Shard:
    """What one stretch of the input added.

    Args:
        first: the content that the shard is named after, the first of its stretch that was new.
        contents: n contents, in the order of the input.
        vectors: (n, d) float32.
        unreadable: content → why it has no row.
    """

    first: str
    contents: tuple[str, ...]
    vectors: Vectors
    unreadable: Mapping[str, str] = field(default_factory=dict)


class Shelf(Protocol):
    """Where shards are kept."""

    def known(self) -> Iterator[str]:
        """Every content that needs no encoding: it has a row, or cannot be read."""

    def unreadable(self) -> dict[str, str]:
        """Content → why it could not be read."""

    def begin(self, first: str) -> bool:
        """Whether the caller is to encode the shard that starts with `first`; otherwise it exists or is in hand."""

    def finish(self, shard: Shard) -> None:
        """Keep a shard that was begun."""

    def wait(self, first: str) -> None:
        """Return when the shard exists or nobody is at work on it."""

    def vectors(self, contents: Sequence[str]) -> Vectors:
        """The (n, d) rows of n contents, in their order, repeats allowed.

        Raises:
            StoreError: a content has no row, or a shard is damaged.
        """


class Memory:
    """A shelf that ends with the process.

    Args:
        dim: width of a row.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self.shards: list[Shard] = []

    def known(self) -> Iterator[str]:
        """Every content with a row, or that cannot be read."""
        for shard in self.shards:
            yield from (*shard.contents, *shard.unreadable)

    def unreadable(self) -> dict[str, str]:
        """Content → why it could not be read."""
        return {content: reason for shard in self.shards for content, reason in shard.unreadable.items()}

    def begin(self, first: str) -> bool:
        """Nobody else is at work in this memory."""
        return True

    def finish(self, shard: Shard) -> None:
        """Keep a shard."""
        self.shards.append(shard)

    def wait(self, first: str) -> None:
        """There is nobody to wait for."""

    def vectors(self, contents: Sequence[str]) -> Vectors:
        """The (n, d) rows of n contents, in their order.

        Raises:
            StoreError: a content has no row.
        """
        return _gather(self.shards, contents, self._dim, "memory")


class Disk:
    """A shelf of shards in a folder; `name-<16 hexadecimal digits>.safetensors` each.

    Args:
        folder: the folder.
        name: prefix of its files.
        dim: width of a row.
        space: fingerprint of the space that the rows live in; other shards are refused.
        writer: the same folder open for writing, None to read only.
    """

    def __init__(self, folder: Path, name: str, dim: int, space: str, *, writer: Folder | None = None) -> None:
        self._folder, self._name, self._dim, self._space, self._writer = folder, name, dim, space, writer

    def files(self) -> list[Path]:
        """Its shards, sorted by name."""
        return sorted(self._folder.glob(f"{self._name}-{'[0-9a-f]' * 16}.safetensors"))

    def known(self) -> Iterator[str]:
        """Every content with a row, or that cannot be read; headers are read, no rows."""
        for path in self.files():
            header = self._header(path)
            yield from (*header["contents"], *header["unreadable"])

    def unreadable(self) -> dict[str, str]:
        """Content → why it could not be read."""
        return {content: why for path in self.files() for content, why in self._header(path)["unreadable"].items()}

    def begin(self, first: str) -> bool:
        """Claim the shard that starts with `first`, unless it exists or another process has it in hand."""
        writer, name = self._open(), self._file(first)
        if not writer.claim(name):
            return False
        if writer.has(name):
            writer.release(name)
            return False
        return True

    def finish(self, shard: Shard) -> None:
        """Write a claimed shard, whole, and give the claim back."""
        writer, name = self._open(), self._file(shard.first)
        header = {
            "schema": SCHEMA,
            "space": self._space,
            "contents": shard.contents,
            "unreadable": dict(shard.unreadable),
        }
        header["checksum"] = _checksum(header, shard.vectors)
        writer.write(name, [save({"vectors": shard.vectors}, {HEADER: json.dumps(header)})])
        writer.release(name)

    def wait(self, first: str) -> None:
        """Return when the shard exists or no living process is at work on it."""
        self._open().wait(self._file(first))

    def clear(self) -> None:
        """Remove every shard."""
        for path in self.files():
            self._open().remove(path.name)

    def vectors(self, contents: Sequence[str]) -> Vectors:
        """The (n, d) rows of n contents, in their order; one shard at a time is in memory beside them.

        Raises:
            StoreError: a content has no row, or a shard is damaged.
        """
        return _gather(map(self._read, self.files()), contents, self._dim, str(self._folder))

    def _open(self) -> Folder:
        if self._writer is None:
            raise StoreError(f"{str(self._folder)!r} was opened to be read: embed into it to change it.")
        return self._writer

    def _file(self, first: str) -> str:
        return f"{self._name}-{short(first)}.safetensors"

    def _header(self, path: Path) -> dict[str, Any]:
        try:
            with safe_open(path, framework="numpy") as file:
                header: dict[str, Any] = json.loads((file.metadata() or {})[HEADER])
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            damaged(path, error)
        if header["schema"] != SCHEMA or header["space"] != self._space:
            raise StoreError(
                f"{str(path)!r} was made by another model or version than this folder: move it to a folder of its own."
            )
        return header

    def _read(self, path: Path) -> Shard:
        header = self._header(path)
        try:
            with safe_open(path, framework="numpy") as file:
                vectors = file.get_tensor("vectors")
        except (SafetensorError, OSError) as error:
            damaged(path, error)
        checksum = header.pop("checksum", None)
        if checksum != _checksum(header, vectors) or vectors.shape != (len(header["contents"]), self._dim):
            damaged(path, None)
        return Shard("", tuple(header["contents"]), vectors, header["unreadable"])


def damaged(path: Path, error: Exception | None) -> NoReturn:
    """Say that the file `path` is damaged and how to mend it.

    Raises:
        StoreError: always.
    """
    raise StoreError(
        f"{str(path)!r} is damaged ({error or 'its checksum differs'}): "
        f"delete that file and run the same `mirante embed` command again, only its part is encoded anew."
    ) from error


def _checksum(header: Mapping[str, Any], vectors: Vectors) -> int:
    names = json.dumps([list(header["contents"]), header["unreadable"]]).encode()
    return crc32(np.ascontiguousarray(vectors).data, crc32(names)) if vectors.size else crc32(names)


def _gather(shards: Iterable[Shard], contents: Sequence[str], dim: int, where: str) -> Vectors:
    wanted: dict[str, list[int]] = {}
    for at, content in enumerate(contents):
        wanted.setdefault(content, []).append(at)
    rows = np.empty((len(contents), dim), np.float32)
    for shard in shards:
        found = [(at, row) for row, content in enumerate(shard.contents) for at in wanted.pop(content, ())]
        to, taken = np.array(found, np.int64).reshape(-1, 2).T
        rows[to] = shard.vectors[taken]
        if not wanted:
            break
    if wanted:
        raise StoreError(
            f"{len(wanted)} contents have no vector in {where}, first {next(iter(wanted))!r}: "
            f"run the same `mirante embed` command again."
        )
    return rows
