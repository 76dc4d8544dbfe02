"""How the folder of a published data set is read: lists with pictures beside them, and the hub's Parquet files."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from mirante.datasets import _splits
from mirante.datasets._captions import Tagged
from mirante.datasets._columns import SAMPLE, Columns, Row, choose
from mirante.datasets._entries import Entry, Listed, karpathy_entries
from mirante.datasets._files import walk
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Published
from mirante.datasets._tables import rows
from mirante.datasets.table import Table
from mirante.errors import DataError, UsageError

KARPATHY = Download(
    "caption_datasets.zip", "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip", 37_000_000
)
"""Karpathy's JSON of MS-COCO, Flickr30k and Flickr8k, in one archive."""
SEPARATOR = " / "
"""Between the fields of a text that is made of several."""


def parsed(path: Path, parse: Callable[[Any], list[Entry]], form: str) -> tuple[Entry, ...]:
    """The entries of a JSON file that `parse` understands.

    Raises:
        DataError: it is not JSON, not of that form, or lists nothing.
    """
    try:
        entries = tuple(parse(json.loads(path.read_bytes())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{str(path)!r} is not {form} ({type(error).__name__}: {error}): fetch it again.") from error
    if not entries:
        raise DataError(f"{str(path)!r} lists no images: fetch it again.")
    return entries


def pictures_of(
    published: Published, address: str, entries: Iterable[Entry], choices: Sequence[str], options: ReadOptions
) -> Path:
    """The folder that the entries' paths start from: the image root given, or the first of `choices` that has one.

    Args:
        published: the data set.
        address: as the user wrote it.
        entries: the first of them are looked for.
        choices: folders below the data set's, `""` for itself.
        options: its image root is taken as it is.

    Raises:
        UsageError: the given image root is no folder.
        MissingData: there are no pictures.
    """
    if options.image_root is not None:
        if not Path(options.image_root).is_dir():
            raise UsageError(f"The image root {options.image_root!r} is no folder: check --image-root.")
        return Path(options.image_root)
    sample = [entry.file for entry in islice(entries, SAMPLE)]
    folder = published.folder(address)
    found = next((folder / one for one in choices if any((folder / one / file).is_file() for file in sample)), None)
    if found is None:
        published.need(address, str(Path(choices[0], sample[0])))
    return found or folder


def karpathy(
    published: Published, address: str, options: ReadOptions, *, file: str, choices: Sequence[str] = ("",)
) -> Listed:
    """Karpathy's JSON called `file`, and its pictures below one of the folders `choices`.

    Raises:
        MissingData: the file or its pictures are not there.
        DataError: the file is damaged.
    """
    path = published.need(address, file, f"*/{file}")
    language = published.languages[0]
    entries = parsed(path, lambda data: karpathy_entries(data, language), "Karpathy's JSON")
    root = pictures_of(published, address, entries, choices, options)
    return Listed(address, entries, root, (path,), published.columns, options.language)


@dataclass(frozen=True)
class Joined(Columns):
    """Columns whose texts together make one caption: `Untitled / Impressionism`."""

    def texts_of(self, row: Row) -> list[Tagged]:
        """One text of the row's fields, empty ones left out."""
        parts = [" ".join(str(row[name]).split()) for name, _ in self.texts if row.get(name)]
        return [(SEPARATOR.join(part for part in parts if part), self.texts[0][1])]


def parquet(published: Published, address: str, options: ReadOptions, *, kind: type[Columns] = Columns) -> Table:
    """The hub's Parquet files in the data set's folder, at any depth; its columns unless `options` names others.

    Raises:
        MissingData: there are none.
        UnknownName: a column is not there; name it with the options.
    """
    folder = published.folder(address)
    paths = [path for path in walk(folder) if path.suffix.lower() == ".parquet"] if folder.is_dir() else []
    if not paths:
        published.need(address, published.layout[0])
    wanted = replace(
        options,
        image_column=options.image_column or published.columns["image"],
        text_column=options.text_column or published.columns["text"],
    )
    sample = list(islice((row for path in paths for row, _ in rows(path)), SAMPLE))
    chosen = choose(sample, wanted, address)
    texts = tuple((name, tag or published.languages[0]) for name, tag in chosen.texts)
    files: dict[str, list[Path]] = {}
    for path in paths:
        files.setdefault(_splits.split_in(path.name), []).append(path)
    root = Path(options.image_root or folder)
    return Table(address, files, kind(chosen.image, texts, chosen.language), root, options.language)
