"""A `.parquet`, `.csv`, `.tsv`, `.jsonl` or `.json` table, a pattern of them, or a folder of Parquet files.

Pictures are bytes in the table or paths from the image root. A split is what the file's name says
(`test-00000-of-00002.parquet`), else `all`. The id of a picture is its row number within the split, with the split
before it (`test/7`) where there are several; neighbouring rows with one path are one picture with several captions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby, islice
from pathlib import Path

from mirante.datasets import _splits
from mirante.datasets._captions import captions
from mirante.datasets._columns import SAMPLE, Columns, Row, choose
from mirante.datasets._files import exists, expand, fingerprint, holds
from mirante.datasets._options import ReadOptions
from mirante.datasets._pictures import from_cell, source_of
from mirante.datasets._roots import image_root
from mirante.datasets._tables import SUFFIXES, load_cell, rows
from mirante.errors import DataError
from mirante.types import Item


def accepts(address: str) -> bool:
    """Whether the address names tables; a `.json` file counts when it holds a list."""
    path = Path(address)
    if path.suffix.lower() == ".json":
        return exists(address) and path.is_file() and _starts_list(path)
    return path.suffix.lower() in SUFFIXES or holds(address) == "tables"


def open(address: str, options: ReadOptions) -> "Table":
    """Open tables; reads the first rows to choose the columns.

    Raises:
        UsageError: no such file, or no column holds pictures.
        DataError: the first table is damaged or empty.
    """
    paths = expand(address, (".parquet",) if Path(address).is_dir() else SUFFIXES)
    files: dict[str, list[Path]] = {}
    for path in paths:
        files.setdefault(_splits.split_in(path.name), []).append(path)
    sample = list(islice((row for path in paths for row, _ in rows(path)), SAMPLE))
    chosen = choose(sample, options, address)
    sources = [source_of(row.get(chosen.image)) for row in sample]
    root = image_root(sources, paths[0].parent, options.image_root, address)
    return Table(address, files, chosen, root, options.language)


@dataclass(frozen=True)
class Table:
    """Files by split, the chosen columns, and the folder that paths start from."""

    name: str
    files: Mapping[str, list[Path]]
    chosen: Columns
    root: Path
    language: str | None = None

    @cached_property
    def revision(self) -> str:
        """Fingerprint of the tables (not of pictures beside them)."""
        return fingerprint(path for split in self.splits for path in self.files[split])

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the files' names speak of."""
        return _splits.ordered(self.files)

    @property
    def columns(self) -> Mapping[str, str]:
        """Role → column."""
        return self.chosen.roles()

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the rows of `split` in order, neighbours with one path together."""
        _splits.check(split, self.splits)
        prefix = f"{split}/" if len(self.files) > 1 else ""
        for _, group in groupby(self._rows(split), key=self._picture_key):
            together = list(group)
            number, row, load = together[0]
            image, picture_cell = f"{prefix}{number}", row.get(self.chosen.image)
            picture = from_cell(image, picture_cell, self.root, self.chosen.metadata_of(row), load=load)
            texts = [text for _, one, _ in together for text in self.chosen.texts_of(one)]
            yield Item(picture, captions(image, texts, language or self.language))

    def _rows(self, split: str) -> Iterator[tuple[int, Row, partial]]:  # type: ignore[type-arg]
        number = 0
        for path in self.files[split]:
            for group, found in groupby(rows(path), key=lambda one: one[1]):
                for place, (row, _) in enumerate(found):
                    yield number, row, partial(load_cell, path, group, place, self.chosen.image)
                    number += 1

    def _picture_key(self, numbered: tuple[int, Row, object]) -> object:
        source = source_of(numbered[1].get(self.chosen.image))
        return source if isinstance(source, str) else numbered[0]


def example(folder: Path) -> str:
    """Write a Parquet table of six pictures into `folder`; returns its address."""
    import pyarrow
    from pyarrow.parquet import write_table

    from mirante.datasets._example import samples

    found = [{"photo": one.data, "caption": [one.english, one.portuguese], "size": one.size} for one in samples()]
    write_table(pyarrow.Table.from_pylist(found), folder / "pictures.parquet", row_group_size=4)
    return str(folder / "pictures.parquet")


def _starts_list(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(200).lstrip().startswith("[")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read {str(path)!r}: {error}. Save it again as UTF-8.") from error
