"""Hugging Face data sets: `hf:owner/name[/config][@revision]`, or `hf:/path` to one saved on disk.

Read through `datasets`, without remote code, and pictures as bytes, so that they are hashed and decoded here. Rows
lie in memory-mapped Arrow files and are fetched again when a picture is loaded; with `streaming` nothing is stored
and each picture keeps its bytes. The id of a picture is its split and row number (`train/7`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from PIL.Image import Image

from mirante.datasets import _splits
from mirante.datasets._captions import captions
from mirante.datasets._columns import SAMPLE, Columns, Row, choose
from mirante.datasets._files import exists, holds
from mirante.datasets._options import ReadOptions
from mirante.datasets._pictures import from_cell, source_of
from mirante.errors import DataError, MissingLibrary, UnreadableImage, UsageError
from mirante.pixels import content_hash, decode
from mirante.types import Item

_COMMIT = re.compile(r"@([0-9a-f]{40})")


def accepts(address: str) -> bool:
    """Whether the address starts with `hf:` or is a folder written by `save_to_disk`."""
    return address.startswith("hf:") or holds(address) == "saved"


def open(address: str, options: ReadOptions) -> "HubDataset":
    """Open a data set of the hub or one saved on disk, and choose its columns.

    Raises:
        MissingLibrary: `datasets` is not installed.
        DataError: there is no such data set, or the hub cannot be reached.
        UsageError: no column holds pictures.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingLibrary("datasets", "hf", "Reading a Hugging Face data set") from error
    target = address.removeprefix("hf:")
    if not target:
        raise UsageError("The address 'hf:' names no data set: write hf:owner/name.")
    try:
        found, commit = _load(datasets, target, options)
        tables = dict(found) if isinstance(found, dict) else {_splits.WHOLE: found}
        tables = {name: _encoded(datasets, table) for name, table in tables.items()}
        first = next(iter(tables.values()))
        sample = list(islice(first, SAMPLE))
    except Exception as error:  # the library raises a dozen kinds, of requests, files and values
        raise DataError(
            f"Cannot open the data set {target!r}: {_first_line(error)} "
            "Check the name, the configuration (owner/name/config), the access token (HF_TOKEN) and the network."
        ) from error
    classes = [name for name, kind in (first.features or {}).items() if isinstance(kind, datasets.ClassLabel)]
    sample = [_named(row, _labels(first)) for row in sample]
    chosen = choose(sample, options, address, classes=classes)
    return HubDataset(address, commit or _revision(tables.values()), tables, chosen, options)


@dataclass(frozen=True)
class HubDataset:
    """Tables of the library by split, and the chosen columns."""

    name: str
    revision: str
    tables: Mapping[str, Any]
    chosen: Columns
    options: ReadOptions

    @property
    def splits(self) -> tuple[str, ...]:
        """The data set's own splits."""
        return _splits.ordered(self.tables)

    @property
    def columns(self) -> Mapping[str, str]:
        """Role → column."""
        return self.chosen.roles()

    def count(self, split: str) -> int | None:
        """Number of rows of a split, None when streaming."""
        return len(self.tables[split]) if not self.options.streaming else None

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the rows of `split` in order.

        Raises:
            DataError: the rows stop coming (a damaged file, a lost connection).
        """
        _splits.check(split, self.splits)
        table, root = self.tables[split], Path(self.options.image_root or "")
        labels = _labels(table)
        cells = None if self.options.streaming else table.select_columns([self.chosen.image])
        for number, encoded in enumerate(self._rows(table)):
            row, image = _named(encoded, labels), f"{split}/{number}"
            load = partial(_load_row, cells, number, self.chosen.image) if cells is not None else None
            picture = from_cell(image, row.get(self.chosen.image), root, self.chosen.metadata_of(row), load=load)
            yield Item(picture, captions(image, self.chosen.texts_of(row), language or self.options.language))

    def _rows(self, table: Any) -> Iterator[Row]:
        try:
            yield from table
        except Exception as error:  # whatever the library and its network raise
            raise DataError(f"Reading {self.name!r} stopped: {_first_line(error)} Try again.") from error


def example(folder: Path) -> str:
    """Save a data set of two splits with `save_to_disk` into `folder`; returns its address."""
    import datasets
    from mirante.datasets._example import samples

    found = [{"image": {"bytes": one.data, "path": one.name}, "caption": [one.english]} for one in samples()]
    features = datasets.Features({"image": datasets.Image(), "caption": datasets.List(datasets.Value("string"))})
    parts = {"train": found[:4], "test": found[4:]}
    saved = datasets.DatasetDict({k: datasets.Dataset.from_list(v, features=features) for k, v in parts.items()})
    saved.save_to_disk(folder / "saved")
    return f"hf:{folder / 'saved'}"


def _load(datasets: Any, target: str, options: ReadOptions) -> tuple[Any, str]:
    """The library's table or tables, and the commit of the hub that they were taken from (`""` on disk)."""
    if holds(target) == "saved":
        return datasets.load_from_disk(target), ""
    if exists(target):
        return datasets.load_dataset(target, options.config, streaming=options.streaming), ""
    name, _, revision = target.partition("@")
    owner, _, rest = name.partition("/")
    short, _, config = rest.partition("/")
    repository = f"{owner}/{short}" if short else owner
    commit = _commit(repository, revision or None)
    pinned = {"revision": commit or revision or None, "streaming": options.streaming}
    return datasets.load_dataset(repository, config or options.config, **pinned), commit


def _commit(repository: str, revision: str | None) -> str:
    """The hub's commit that a branch or tag stands for now; `""` when the hub cannot say (offline, from the cache)."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        return HfApi().dataset_info(repository, revision=revision).sha or ""
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError):
        return ""


def _encoded(datasets: Any, table: Any) -> Any:
    """The table with its pictures left as bytes and paths."""
    for name, kind in (table.features or {}).items():
        if isinstance(kind, datasets.Image):
            table = table.cast_column(name, datasets.Image(decode=False))
    return table


def _labels(table: Any) -> dict[str, list[str]]:
    """Columns of class numbers → their names."""
    return {name: kind.names for name, kind in (table.features or {}).items() if hasattr(kind, "int2str")}


def _named(row: Row, labels: Mapping[str, list[str]]) -> Row:
    """The row with class names in place of class numbers (a negative number is no class)."""
    named = {k: labels[k][v] for k, v in row.items() if k in labels and isinstance(v, int) and v >= 0}
    return {**row, **named}


def _load_row(cells: Any, number: int, column: str) -> Image:
    try:
        source = source_of(cells[number][column])
    except Exception as error:  # the files behind the rows may be gone
        raise UnreadableImage("no-access", f"row {number}: {_first_line(error)}") from error
    return decode(source if isinstance(source, bytes) else b"")


def _revision(tables: Iterable[Any]) -> str:
    """The commit that the rows were downloaded from where the library tells it, else a hash of its fingerprints."""
    prints = []
    for table in tables:
        urls = getattr(table.info, "download_checksums", None) or {}
        if commit := next((found for url in urls if (found := _COMMIT.search(url))), None):
            return commit.group(1)
        prints.append(str(getattr(table, "_fingerprint", None) or table.info.version))
    return content_hash("\n".join(prints).encode())[:16]


def _first_line(error: Exception) -> str:
    line = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return line if line.endswith((".", "!", "?")) else f"{line}."
