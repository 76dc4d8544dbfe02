"""What is known of a published data set before it is on this machine, and where it is looked for.

The bare address (`coco`) is read from `MIRANTE_DATA/coco`, or `~/mirante-data/coco`; `coco:/path/to/folder` from that
folder, which is written with a slash (`coco:./data`; `coco:test` is a split). Nothing is downloaded unasked.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from mirante import registry
from mirante.errors import MissingData
from mirante.messages import text

FAMILY = "mirante.datasets"
VARIABLE = "MIRANTE_DATA"


@dataclass(frozen=True, slots=True)
class Download:
    """One thing to fetch: its name, its address, and its size in bytes, None where its publisher does not say."""

    what: str
    address: str
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Licence:
    """Of texts and pictures, as their publishers name them; `"research"` and `"unstated"` are words of ours."""

    texts: str
    pictures: str

    def words(self, lang: str | None = None) -> str:
        """Both in one phrase."""
        both = {key: _licence(name, lang) for key, name in asdict(self).items()}
        return text("published.licences", lang, **both)


@dataclass(frozen=True)
class Published:
    """A published data set.

    Args:
        name: its address.
        title: for people.
        licence: of the captions and of the pictures.
        citation: the paper, or who published it.
        homepage: where to read about it.
        languages: tags of its captions.
        splits: split → rows with a picture; empty where the publisher does not say.
        columns: role → field read.
        layout: the files read, as paths from its folder.
        downloads: what to fetch; sizes are rounded.
        captions: number of captions, None where the publisher does not say.
        asks: what it is besides pictures with captions: one test in several `"languages"`, names of `"classes"`,
            `"choices"` between captions, `"pairs"` of pictures and captions.
        protocol: name of the protocol that papers use.
    """

    name: str
    title: str
    licence: Licence
    citation: str
    homepage: str
    languages: tuple[str, ...]
    splits: Mapping[str, int]
    columns: Mapping[str, str]
    layout: tuple[str, ...]
    downloads: tuple[Download, ...] = field(default=())
    captions: int | None = None
    asks: Literal["", "languages", "classes", "choices", "pairs"] = ""
    protocol: str = ""

    @property
    def bytes(self) -> int:
        """Size of all downloads whose publisher tells it."""
        return sum(one.bytes or 0 for one in self.downloads)

    def accepts(self, address: str) -> bool:
        """Whether `address` is this data set's, bare or with a folder."""
        return address == self.name or address.startswith(f"{self.name}:")

    def folder(self, address: str) -> Path:
        """The folder that `address` is read from, whether it is there or not."""
        given = address.removeprefix(self.name).removeprefix(":")
        if given:
            return Path(given).expanduser()
        return Path(os.environ.get(VARIABLE) or Path.home() / "mirante-data").expanduser() / self.name

    def need(self, address: str, *choices: str) -> Path:
        """The first of `choices`, paths or patterns in the data set's folder, that is there.

        Raises:
            MissingData: none is.
        """
        root = self.folder(address)
        for choice in choices:
            found = next(iter(sorted(root.glob(choice))), None) if root.is_dir() else None
            if found is not None:
                return found
        raise MissingData(self.name, str(root), missing=choices[0], remedy=self._remedy())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "bytes": self.bytes}

    def _remedy(self) -> str:
        sources = "; ".join(f"{one.what} ({size(one.bytes)}): {one.address}" for one in self.downloads)
        return (
            f"Download {size(self.bytes)}, {sources}. Licence: {self.licence.words('en')}. "
            f"Lay it out as {', '.join(self.layout)}, or name the folder that holds it: {self.name}:/path/to/folder. "
            f"`mirante inspect {self.name}` says more."
        )


def published(name: str) -> Published:
    """What is known of the published data set called `name`.

    Raises:
        UnknownName: there is no such kind of data set.
        AttributeError: that kind is a format, not a published set.
    """
    found: Published = registry.load(FAMILY, name).PUBLISHED
    return found


def published_at(address: str) -> Published | None:
    """What is known of the published data set at `address`, None where it is no such address."""
    return next((one for one in every_published() if one.accepts(address)), None)


def every_published() -> tuple[Published, ...]:
    """All published data sets, by name."""
    modules = (registry.load(FAMILY, name) for name in registry.names(FAMILY))
    return tuple(module.PUBLISHED for module in modules if hasattr(module, "PUBLISHED"))


def _licence(name: str, lang: str | None) -> str:
    return text(f"published.licence_{name}", lang) if name in ("research", "unstated") else name


def size(count: int | None, *, comma: bool = False) -> str:
    """A number of bytes for people, in powers of ten: `4.3 GB`, `37 MB`; `?` where it is not known."""
    if count is None:
        return "?"
    unit, divisor = next(((u, d) for u, d in (("GB", 1e9), ("MB", 1e6)) if count >= 0.1 * d), ("kB", 1e3))
    written = f"{count / divisor:.1f}" if count < 100 * divisor and unit == "GB" else f"{count / divisor:.0f}"
    return f"{written.replace('.', ',') if comma else written} {unit}"
