"""Winoground: two pictures, two captions of the same words, `winoground`, or `winoground:/path/to/folder`.

The folder holds facebook/winoground as the hub has it: Parquet files, or `examples.jsonl` with `images` unpacked
beside it. A row is two pictures with a caption each, and one question whose kind is its `collapsed_tag` (Object,
Relation, Both). Access is granted on the hub, to those who accept its terms.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path

from mirante.datasets import _splits
from mirante.datasets._captions import captions
from mirante.datasets._columns import Row
from mirante.datasets._contrasts import Contrast
from mirante.datasets._entries import metadata
from mirante.datasets._files import fingerprint
from mirante.datasets._options import ReadOptions
from mirante.datasets._pictures import from_cell
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._tables import load_cell, rows
from mirante.errors import DataError
from mirante.types import Item

HUB = "https://huggingface.co/datasets/facebook/winoground"
SPLIT = "test"
PUBLISHED = Published(
    name="winoground",
    title="Winoground",
    licence=Licence("Meta Images Research License", "Meta Images Research License"),
    citation="Thrush et al. 2022, arXiv 2204.03162",
    homepage=HUB,
    languages=("en",),
    splits={SPLIT: 800},
    captions=800,
    columns={"image": "image_0, image_1", "text": "caption_0, caption_1"},
    layout=("data/*.parquet",),
    asks="pairs",
    downloads=(Download("data/*.parquet", HUB, 367_000_000),),
)


def accepts(address: str) -> bool:
    """Whether the address is `winoground`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> "Winoground":
    """Find the rows; they are read when asked for.

    Raises:
        MissingData: they are not there; says where to get them.
    """
    first = PUBLISHED.need(address, "data/*.parquet", "*.parquet", "examples.jsonl", "data/examples.jsonl")
    files = tuple(sorted(first.parent.glob(f"*{first.suffix}")))
    places = [Path(options.image_root)] if options.image_root else [first.parent / "images", first.parent]
    root = next((place for place in places if place.is_dir()), first.parent)
    return Winoground(address, files, root, options.language)


@dataclass(frozen=True)
class Winoground:
    """Files of rows, and the folder of the pictures where rows only name them."""

    name: str
    files: tuple[Path, ...]
    root: Path
    language: str | None = None
    splits: tuple[str, ...] = (SPLIT,)

    @cached_property
    def revision(self) -> str:
        """Fingerprint of the files of rows."""
        return fingerprint(self.files)

    @property
    def columns(self) -> Mapping[str, str]:
        """Role → fields read."""
        return PUBLISHED.columns

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the two pictures of each row, each with its caption."""
        for _, pair in self._rows(split, language):
            yield from pair

    def contrasts(self, split: str, language: str | None = None) -> Iterator[Contrast]:
        """Yield one question a row."""
        for row, pair in self._rows(split, language):
            texts = tuple(caption for item in pair for caption in item.captions)
            if len(texts) == len(pair):
                images = tuple(item.picture for item in pair)
                yield Contrast(str(row["id"]), str(row.get("collapsed_tag") or ""), images, texts)

    def _rows(self, split: str, language: str | None) -> Iterator[tuple[Row, tuple[Item, ...]]]:
        _splits.check(split, self.splits)
        for path in self.files:
            for group, found in groupby(rows(path), key=lambda one: one[1]):
                for place, (row, _) in enumerate(found):
                    yield row, tuple(self._item(row, side, path, (group, place), language) for side in "01")

    def _item(self, row: Row, side: str, path: Path, at: tuple[int, int], language: str | None) -> Item:
        column = f"image_{side}"
        try:
            image, text, cell = f"{row['id']}-{side}", row[f"caption_{side}"], row[column]
        except KeyError as error:
            raise DataError(f"{str(path)!r} has no column {error}: it is not facebook/winoground's file.") from error
        load = partial(load_cell, path, *at, column) if path.suffix == ".parquet" else None
        if isinstance(cell, str) and not Path(cell).suffix:
            cell = f"{cell}.png"
        about = metadata(row, (column, "id", "caption_0", "caption_1", "image_0", "image_1"))
        picture = from_cell(image, cell, self.root, about, load=load)
        return Item(picture, captions(image, [(text, "en")], language or self.language))


def example(folder: Path) -> str:
    """Write three rows of the hub's schema into `folder`; returns its address."""
    import pyarrow
    from pyarrow.parquet import write_table

    from mirante.datasets._example import samples

    discs = samples()
    found = [
        {
            "id": number,
            **{f"image_{side}": {"bytes": discs[2 * number + side].data, "path": None} for side in (0, 1)},
            **{f"caption_{side}": discs[2 * number + side].english for side in (0, 1)},
            "collapsed_tag": "Object" if number else "Relation",
        }
        for number in range(3)
    ]
    (folder / "data").mkdir()
    write_table(pyarrow.Table.from_pylist(found), folder / "data" / "test-00000-of-00001.parquet", row_group_size=2)
    return f"winoground:{folder}"
