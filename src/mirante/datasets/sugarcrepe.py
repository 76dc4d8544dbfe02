"""SugarCrepe: the true caption of a picture or a slightly wrong one, `sugarcrepe`, or `sugarcrepe:/path/to/folder`.

The folder holds the publisher's `data` (one JSON file per kind of change) and COCO's `val2017`; or the pictures'
folder is given as the image root. Each kind is a split; a row is a picture, its caption and a wrong caption, which is
no caption of the picture: it appears in the questions only.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirante.datasets._captions import captions
from mirante.datasets._contrasts import Contrast
from mirante.datasets._entries import Entry, Listed
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import parsed, pictures_of
from mirante.types import Caption

WRONG = "negative_caption"
REPOSITORY = "https://github.com/RAIVNLab/sugar-crepe"
PUBLISHED = Published(
    name="sugarcrepe",
    title="SugarCrepe",
    licence=Licence("MIT", "Flickr Terms of Use"),
    citation="Hsieh et al. 2023, arXiv 2306.14610",
    homepage=REPOSITORY,
    languages=("en",),
    splits={
        "add_att": 692,
        "add_obj": 2_062,
        "replace_att": 788,
        "replace_obj": 1_652,
        "replace_rel": 1_406,
        "swap_att": 666,
        "swap_obj": 245,
    },
    captions=7_511,
    columns={"image": "filename", "text": "caption", "wrong text": "negative_caption"},
    layout=("data/*.json", "val2017/*.jpg"),
    asks="choices",
    downloads=(
        Download("sugar-crepe", REPOSITORY, 1_700_000),
        Download("val2017.zip", "http://images.cocodataset.org/zips/val2017.zip", 816_000_000),
    ),
)


def accepts(address: str) -> bool:
    """Whether the address is `sugarcrepe`, bare or with a folder."""
    return PUBLISHED.accepts(address)


@dataclass(frozen=True)
class SugarCrepe(Listed):
    """The rows of all kinds; the wrong caption of each is its metadata `negative_caption`."""

    def contrasts(self, split: str, language: str | None = None) -> Iterator[Contrast]:
        """The questions of one kind: a picture, its caption and the wrong one."""
        for entry in self.of(split):
            true = captions(entry.id, entry.texts, language or self.language)
            if true:
                texts = (true[0], Caption(f"{entry.id}#wrong", str(entry.metadata[WRONG]), true[0].language))
                yield Contrast(entry.id, split, (self.picture(entry),), texts)


def open(address: str, options: ReadOptions) -> SugarCrepe:
    """Read the JSON files and find the pictures.

    Raises:
        MissingData: the files or the pictures are not there; says what to download.
        DataError: a file is damaged.
    """
    first = PUBLISHED.need(address, *(f"{place}{kind}.json" for kind in PUBLISHED.splits for place in ("data/", "")))
    paths = [path for kind in PUBLISHED.splits if (path := first.with_name(f"{kind}.json")).is_file()]
    read = {path: parsed(path, _entries(path.stem), "SugarCrepe's file") for path in paths}
    entries = tuple(entry for found in read.values() for entry in found)
    root = pictures_of(PUBLISHED, address, entries, ("val2017", "images", ""), options)
    return SugarCrepe(address, entries, root, tuple(paths), PUBLISHED.columns, options.language)


def example(folder: Path) -> str:
    """Write six rows of two kinds into `folder`; returns its address."""
    from mirante.datasets import _example

    discs = _example.pictures(folder / "val2017", lambda number: f"{number:012}.png")
    (folder / "data").mkdir()
    for kind, numbers in (("replace_att", range(4)), ("swap_obj", range(4, 6))):
        rows = {
            str(at): {
                "filename": f"{number:012}.png",
                "caption": discs[number].english,
                "negative_caption": discs[number - 1].english,
            }
            for at, number in enumerate(numbers)
        }
        (folder / "data" / f"{kind}.json").write_text(json.dumps(rows), encoding="utf-8")
    return f"sugarcrepe:{folder}"


def _entries(kind: str) -> Callable[[Any], list[Entry]]:
    def parse(data: Any) -> list[Entry]:
        rows = data.items() if isinstance(data, dict) else enumerate(data)
        return [
            Entry(f"{kind}/{at}", row["filename"], kind, ((row["caption"], "en"),), {WRONG: row["negative_caption"]})
            for at, row in rows
        ]

    return parse
