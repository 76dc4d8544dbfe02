"""Rows of Parquet, CSV, TSV, JSON and JSON Lines files, streamed; and one Parquet cell fetched again."""

import csv
import io
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL.Image import Image

from mirante.datasets._columns import Row
from mirante.datasets._pictures import source_of
from mirante.errors import DataError, UnreadableImage
from mirante.pixels import decode

SUFFIXES = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".json")

_DELIMITERS = ",;\t|"
_BATCH = 64


def rows(path: Path) -> Iterator[tuple[Row, int]]:
    """Each row of a table as a dictionary, with the Parquet row group that holds it (0 elsewhere).

    Raises:
        DataError: the file is damaged or is not what its suffix says.
    """
    try:
        if path.suffix.lower() == ".parquet":
            yield from _parquet(path)
        elif path.suffix.lower() in (".csv", ".tsv"):
            yield from ((row, 0) for row in _csv(path))
        else:
            yield from ((row, 0) for row in _json(path))
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:  # pyarrow's errors are among them
        raise DataError(f"Cannot read the table {str(path)!r}: {error}. Save it again as UTF-8 or Parquet.") from error


def load_cell(path: Path, group: int, place: int, column: str) -> Image:
    """Decode the picture in row `place` of row group `group` of a Parquet file.

    Raises:
        UnreadableImage: the bytes are no picture, or the file is gone.
    """
    try:
        cell = source_of(_group(path, path.stat().st_mtime_ns, group, column)[place].as_py())
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise UnreadableImage("no-access", f"row {place} of group {group} in {str(path)!r}: {error}") from error
    return decode(cell if isinstance(cell, bytes) else b"")


@lru_cache(maxsize=2)
def _group(path: Path, changed: int, group: int, column: str) -> Any:
    del changed  # a file written anew is read anew
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        return file.read_row_group(group, columns=[column]).column(column)


def _parquet(path: Path) -> Iterator[tuple[Row, int]]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(_BATCH, row_groups=[group]):
                yield from ((row, group) for row in batch.to_pylist())


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        delimiter = max(_DELIMITERS, key=header.count)
        names = [name.strip() for name in next(csv.reader(io.StringIO(header), delimiter=delimiter), [])]
        for cells in csv.reader(file, delimiter=delimiter):
            if cells:  # separators beyond the last column belong to its text
                last = [delimiter.join(cells[len(names) - 1 :])] if len(cells) >= len(names) else []
                yield dict(zip(names, [*cells[: len(names) - 1], *last], strict=False))


def _json(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as file:
        if path.suffix.lower() == ".json":
            found: Iterator[tuple[int, Any]] = enumerate(json.load(file), 1)
        else:
            found = ((number, json.loads(line)) for number, line in enumerate(file, 1) if line.strip())
        for number, row in found:
            if not isinstance(row, dict):
                raise DataError(f"Row {number} of {str(path)!r} is no JSON object: write one object per row.")
            yield row
