"""Answers of one row a picture: written to a file, or the first of them shown."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mirante.cli.options import Output
from mirante.disk import disk
from mirante.errors import UsageError

SHOWN = 20
SUFFIXES = (".jsonl", ".csv")


def check(path: Path | None) -> None:
    """Refuse a file of another form before anything is computed.

    Raises:
        UsageError: its name ends in neither .jsonl nor .csv.
    """
    if path is not None and path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{str(path)!r} is neither .jsonl nor .csv: give the file of the answers one of these names.")


def write(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows as JSON lines, or as CSV, which leaves nested fields out."""
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            if path.suffix.lower() == ".jsonl":
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                return
            flat = [name for name in (rows[0] if rows else ()) if not isinstance(rows[0][name], list)]
            table = csv.DictWriter(file, flat, extrasaction="ignore")
            table.writeheader()
            table.writerows(rows)


def finish(
    rows: Sequence[Mapping[str, Any]], out: Path | None, output: Output, *, head: Sequence[str], cells: Any
) -> None:
    """Write rows to `out` where it is given, else show the first of them, each as `cells` says."""
    if out is not None:
        write(rows, out)
        output.say("classify.written", path=out)
        return
    output.table(head, [cells(row) for row in rows[:SHOWN]])
    if len(rows) > SHOWN:
        output.say("classify.more", count=len(rows) - SHOWN)
