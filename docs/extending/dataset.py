"""A data set in one file: a `.palette` text, each line a colour and its captions (`red a red sheet; uma folha`)."""

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

from PIL import Image

from mirante.datasets import ReadOptions
from mirante.errors import UnknownName
from mirante.types import Caption, Item, Picture


def accepts(address: str) -> bool:
    return address.endswith(".palette")


class Palette:
    """See `mirante.types.Dataset`: one picture per line, plain in its colour; the file has one split, `all`."""

    splits = ("all",)
    columns = {"image": "colour", "text": "captions"}

    def __init__(self, address: str, language: str | None) -> None:
        self.name, self._language = address, language
        self._lines = Path(address).read_text(encoding="utf-8").splitlines()
        self.revision = sha256("\n".join(self._lines).encode()).hexdigest()

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        if split not in self.splits:
            raise UnknownName("split", split, self.splits)
        tag = (language or self._language or "").replace("_", "-")
        for number, line in enumerate(self._lines):
            colour, _, texts = line.partition(" ")
            picture = Picture(str(number), content=colour, load=partial(Image.new, "RGB", (32, 32), colour))
            captions = (Caption(f"{number}#{at}", text.strip(), tag) for at, text in enumerate(texts.split(";")))
            yield Item(picture, tuple(captions))


def open(address: str, options: ReadOptions) -> Palette:
    return Palette(address, options.language)


def example(folder: Path) -> str:
    lines = [f"{colour} a {colour} sheet" for colour in ("red", "green", "blue", "black", "orange", "purple")]
    (folder / "six.palette").write_text("\n".join(lines), encoding="utf-8")
    return str(folder / "six.palette")
