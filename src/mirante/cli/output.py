"""What a verb says: one JSON document on standard output, or lines and tables for people."""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mirante.messages import PORTUGUESE, language, text

if TYPE_CHECKING:  # help needs no numpy, which it would bring
    from rich.table import Table

    from mirante.types import Estimate

INTERVAL = re.compile(r" (\[[^\[\]]+\])$")
FIGURE = re.compile(
    r"(?:[-−+±≈<~]? ?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]\d+)?"
    r"(?P<unit> ?(?:%|ms|s|h|MB|GB|TB|USD))?(?P<interval> \[[-−+\d., ]+\])?)?"
)
WHOLE = 30
"""Characters of a name or a figure that a table never parts for want of room."""
GAP = 3
"""Characters between two columns."""


@dataclass(frozen=True)
class Output:
    """How the verb answers."""

    json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False

    def document(self, plain: Mapping[str, Any]) -> bool:
        """Print `plain` where JSON is wanted; whether it was."""
        if self.json:
            sys.stdout.write(json.dumps(plain, ensure_ascii=False, indent=1, default=_plain) + "\n")
        return self.json

    def say(self, key: str, **values: object) -> None:
        """One line from the catalogue, for people only."""
        if not self.json:
            sys.stdout.write(text(key, None, **{name: _amount(value) for name, value in values.items()}) + "\n")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table, for people only; names and long texts to the left, numbers to the right.

        Where it is too wide, intervals stand below their figures; where that is not enough, it goes on in a second
        table with the same names before its figures.
        """
        if self.json:
            return
        from rich.console import Console

        console = Console(highlight=False, markup=False)
        (first, *names), *rest = zip(head, *rows, strict=True)
        columns = [[first, *names], *([name, *_spelt(cells)] for name, *cells in rest)]
        if sum(max(map(len, column)) + GAP for column in columns) > console.width:
            columns = [[INTERVAL.sub(r"\n\1", cell) for cell in column] for column in columns]
        for part in _parts(columns, console.width):
            console.print(_drawn(part))


def _amount(value: object) -> object:
    """A figure with its unit or interval in the signs of the user's language; any other value as it is."""
    found = FIGURE.fullmatch(value) if isinstance(value, str) else None
    return _spelt([found[0]])[0] if found and (found["unit"] or found["interval"]) else value


def _spelt(cells: Sequence[str]) -> Sequence[str]:
    """A column of figures in the signs of the user's language; any other column as it is."""
    if language() != "pt" or not all(FIGURE.fullmatch(cell) for cell in cells):
        return cells
    return [cell.replace(", ", "; ").translate(PORTUGUESE) for cell in cells]


def _parts(columns: Sequence[Sequence[str]], width: int) -> Iterator[list[Sequence[str]]]:
    """The columns in groups that fit `width`, each with the columns of names before it, as far as there is room."""
    names = 1
    while names < len(columns) and not all(FIGURE.fullmatch(" ".join(cell.split())) for cell in columns[names][1:]):
        names += 1
    if sum(_least(one) + GAP for one in columns[:names]) > width // 2:
        names = 1
    part = first = list(columns[:names])
    for column in columns[names:]:
        if len(part) > names and sum(_least(one) + GAP for one in (*part, column)) > width:
            yield part
            part = first
        part = [*part, column]
    yield part


def _least(column: Sequence[str]) -> int:
    """Characters that a column needs: a name or a figure is never parted, longer texts may be."""
    return min(max(len(line) for cell in column for line in cell.splitlines() or [""]), WHOLE)


def _drawn(columns: Sequence[Sequence[str]]) -> "Table":
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE, pad_edge=False)
    for at, column in enumerate(columns):
        told = any(len(line) > WHOLE for cell in column[1:] for line in cell.splitlines())
        justify: Literal["left", "right"] = "left" if at == 0 or told else "right"
        drawn.add_column(column[0], justify=justify, overflow="fold", min_width=_least(column))
    for row in list(zip(*columns, strict=True))[1:]:
        drawn.add_row(*row)
    return drawn


def speaks() -> bool:
    """Whether this process tells and sends what came out: of those that `torchrun` starts, the first."""
    return os.environ.get("RANK", "0") == "0"


def percent(estimate: "Estimate") -> str:
    """A share with its interval, e.g. `86.5 % [84.2, 88.7]`."""
    return f"{100 * estimate.value:.1f} % [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


def number(name: str, estimate: "Estimate") -> str:
    """A metric as people read it: shares in per cent, ranks as they are."""
    if name == "cider_d":
        return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
    if name == "median_rank":
        return f"{estimate.value:g} [{estimate.low:g}, {estimate.high:g}]"
    return percent(estimate)


def _plain(value: Any) -> Any:
    from dataclasses import asdict, is_dataclass
    from pathlib import Path

    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    return list(value)
