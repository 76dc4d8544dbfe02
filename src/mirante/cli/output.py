"""What a verb says: one JSON document on standard output, or lines and tables for people."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.messages import text

if TYPE_CHECKING:  # help needs no numpy, which it would bring
    from mirante.types import Estimate


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
            sys.stdout.write(text(key, None, **values) + "\n")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table, for people only; numbers to the right."""
        if self.json:
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table

        drawn = Table(box=box.SIMPLE, pad_edge=False)
        for at, name in enumerate(head):
            drawn.add_column(name, justify="left" if at == 0 else "right", overflow="fold")
        for row in rows:
            drawn.add_row(*row)
        Console(highlight=False, markup=False).print(drawn)


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
