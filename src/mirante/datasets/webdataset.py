"""WebDataset shards: `shards-{000..009}.tar`, `*.tar`, one `.tar` or a folder of them, not compressed.

Neighbouring files with one name up to the first dot are one sample: a picture, captions (`.txt`, `.pt-BR.txt` with
a language, `.caption`, or `.json` with captions and metadata), a class (`.cls`). The id is the sample's name, after
the shard's (`shard-003/0012`) where there are several.
"""

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from PIL.Image import Image

from mirante.datasets import _splits
from mirante.datasets._captions import Tagged, captions, is_tag, language_tag, texts_of
from mirante.datasets._columns import TEXT_NAMES
from mirante.datasets._files import expand, fingerprint, holds
from mirante.datasets._options import ReadOptions
from mirante.datasets._pictures import from_bytes, unreadable
from mirante.errors import DataError
from mirante.pixels import SUFFIXES, decode, read_bytes
from mirante.types import Item, Picture, Scalar


def accepts(address: str) -> bool:
    """Whether the address names `.tar` files or a folder of them."""
    return address.lower().endswith(".tar") or holds(address) == "shards"


def open(address: str, options: ReadOptions) -> "Shards":
    """Find the shards; nothing is read yet.

    Raises:
        UsageError: a shard is missing.
    """
    files: dict[str, list[Path]] = {}
    for path in expand(address, (".tar",)):
        files.setdefault(_splits.split_in(path.name), []).append(path)
    return Shards(address, files, options.language)


@dataclass(frozen=True)
class Shards:
    """Tar files by split."""

    name: str
    files: Mapping[str, list[Path]]
    language: str | None = None

    @cached_property
    def revision(self) -> str:
        """Fingerprint of the shards."""
        return fingerprint(path for split in self.splits for path in self.files[split])

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the shards' names speak of."""
        return _splits.ordered(self.files)

    @property
    def columns(self) -> Mapping[str, str]:
        """The kinds of member read."""
        return {"image": "jpg,png,webp,…", "text": "txt,caption,json"}

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the samples of `split`, one shard after the other.

        Raises:
            DataError: a shard is compressed, damaged or cut short.
        """
        _splits.check(split, self.splits)
        several = sum(len(paths) for paths in self.files.values()) > 1
        for path in self.files[split]:
            try:
                yield from _items(path, f"{path.stem}/" if several else "", language or self.language)
            except (tarfile.TarError, OSError, EOFError) as error:
                raise DataError(f"Cannot read the shard {str(path)!r}: {error}. Fetch it again, unpacked.") from error


def example(folder: Path) -> str:
    """Write two shards of three samples into `folder`; returns their pattern."""
    import io

    from mirante.datasets._example import samples

    for number, one in enumerate(samples()):
        members = {"png": one.data, "en.txt": one.english.encode(), "pt-BR.txt": one.portuguese.encode()}
        mode = "a" if number % 3 else "w"
        with tarfile.open(folder / f"shard-{number // 3:03}.tar", mode) as tar:  # type: ignore[call-overload]
            for kind, data in members.items():
                member = tarfile.TarInfo(f"{number:04}.{kind}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return str(folder / "shard-{000..001}.tar")


@dataclass
class _Sample:
    """What the members of one sample hold, as they come by."""

    picture: tuple[bytes, int] | None = None
    texts: list[Tagged] = field(default_factory=list)
    metadata: dict[str, Scalar] = field(default_factory=dict)

    def add(self, kind: str, data: bytes, offset: int) -> None:
        language, _, last = kind.rpartition(".")
        if f".{last}" in SUFFIXES:
            self.picture = self.picture or (data, offset)
        elif last in ("txt", "caption"):
            tag = language_tag(language) if is_tag(language) else ""
            self.texts += [(line, tag) for line in data.decode("utf-8", "replace").splitlines()]
        elif last == "cls":
            self.metadata["class"] = data.decode("utf-8", "replace").strip()
        elif last == "json":
            self._add_json(data)

    def _add_json(self, data: bytes) -> None:
        try:
            found: Any = json.loads(data)
        except ValueError:
            return
        if not isinstance(found, dict):
            self.texts += texts_of(found)
            return
        key = next((name for name in TEXT_NAMES if name in found), None)
        if key and not self.texts:
            self.texts += texts_of(found[key])
        self.metadata |= {k: v for k, v in found.items() if k != key and isinstance(v, str | int | float | bool)}


def _items(path: Path, prefix: str, language: str | None) -> Iterator[Item]:
    with tarfile.open(path, "r:") as tar:
        for key, members in groupby((one for one in tar if one.isfile()), key=lambda one: _key(one.name)[0]):
            sample = _read(tar, members)
            image = f"{prefix}{key}"
            yield Item(_picture(image, path, sample), captions(image, sample.texts, language))
            tar.members.clear()  # type: ignore[attr-defined]  # else the list of members grows with the shard
        _check_end(path, tar.offset)


def _check_end(path: Path, offset: int) -> None:
    """The library takes a damaged header for the end; a shard ends with a block of zeros or with its file."""
    with path.open("rb") as file:
        file.seek(offset)
        if file.read(tarfile.BLOCKSIZE).strip(b"\0") or path.stat().st_size % tarfile.BLOCKSIZE:
            raise tarfile.ReadError(f"damaged or cut short at byte {offset:,}")


def _read(tar: tarfile.TarFile, members: Iterable[tarfile.TarInfo]) -> _Sample:
    sample = _Sample()
    for member in members:
        file = tar.extractfile(member)
        if file is not None:
            sample.add(_key(member.name)[1], file.read(), member.offset_data)
    return sample


def _picture(image: str, path: Path, sample: _Sample) -> Picture:
    if sample.picture is None:
        return unreadable(image, "missing", f"its sample in {str(path)!r} has no picture", sample.metadata)
    data, offset = sample.picture
    return from_bytes(image, data, partial(_load, path, offset, len(data)), sample.metadata)


def _load(path: Path, offset: int, size: int) -> Image:
    return decode(read_bytes(path, offset, size))


def _key(name: str) -> tuple[str, str]:
    path = PurePosixPath(name)
    first, _, kind = path.name.partition(".")
    return str(path.with_name(first or path.name)), kind if kind.endswith(".txt") else kind.lower()
