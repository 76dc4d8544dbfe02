"""`metadata.csv`, `.jsonl` or `.parquet` beside pictures: which file each row is about, its captions and the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mirante.datasets._columns import SAMPLE, Columns, Row, choose
from mirante.datasets._options import ReadOptions
from mirante.datasets._pictures import source_of
from mirante.datasets._tables import rows

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


@dataclass(frozen=True)
class Listing:
    """The rows of all metadata files, by picture in their order.

    Args:
        columns: the roles of the columns.
        rows: path of a picture relative to the root → its rows.
    """

    columns: Columns
    rows: dict[str, list[Row]]


def read_listing(root: Path, files: Sequence[Path], options: ReadOptions) -> Listing:
    """Read metadata files; each one's paths start from its own folder.

    Raises:
        UsageError: no column names the pictures.
        DataError: a file is damaged or empty.
    """
    found: dict[str, list[Row]] = {}
    columns: Columns | None = None
    for file in files:
        table = [row for row, _ in rows(file)]
        hint = options
        if options.image_column is None and table and "file_name" in table[0]:
            hint = replace(options, image_column="file_name")
        columns = columns or choose(table[:SAMPLE], hint, str(file))
        for row in table:
            name = source_of(row.get(columns.image))
            place = (file.parent / name).relative_to(root).as_posix() if isinstance(name, str) else f"{file.name}?"
            found.setdefault(place, []).append(row)
    if columns is None:
        columns = choose([], options, str(root))
    return Listing(columns, found)
