"""What an evaluation left in a folder, grouped as a report needs it."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mirante.errors import StoreError, UsageError
from mirante.evaluation import SavedResults, load_results
from mirante.types import Estimate, Protocol, Result

NAME = "results.json"


def read_saved(folder: Path) -> SavedResults:
    """Read `folder/results.json`; at least one result.

    Raises:
        UsageError: there is no such file, or it holds no result.
        StoreError: it is damaged or of another schema.
    """
    path = folder / NAME
    if not path.is_file():
        raise UsageError(f"There is no {str(path)!r}: give the folder that an evaluation wrote with --out.")
    saved = load_results(folder)
    if not saved.results:
        raise UsageError(f"{str(path)!r} holds no result: evaluate at least one model on one data set first.")
    return saved


def draw_saved(path: Path, schema: int, again: str, draw: Callable[[Mapping[str, Any]], str]) -> str:
    """The page that `draw` makes of a JSON document.

    Args:
        path: of the document.
        schema: that `draw` knows.
        again: what brings a whole document, for the message.
        draw: may trust nothing in it; what it stumbles over is told as damage.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: it is damaged or of another schema.
    """
    try:
        saved: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if saved["schema"] != schema:
            raise StoreError(f"{str(path)!r} has schema {saved['schema']!r}, not {schema}: {again} again.")
        return draw(saved)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StoreError(f"{str(path)!r} is damaged ({type(error).__name__}: {error}): {again} again.") from error


def by_protocol(results: Sequence[Result]) -> dict[Protocol, list[Result]]:
    """Group results that were measured under equal conditions; only these may share a table."""
    groups: dict[Protocol, list[Result]] = {}
    for result in results:
        groups.setdefault(result.protocol, []).append(result)
    return groups


def estimates(metrics: Mapping[str, Any]) -> dict[str, Estimate]:
    """Plain `{metric: {value, low, high}}` as estimates; null stands for infinity, a rank that was never reached."""
    keys = ("value", "low", "high")
    return {name: Estimate(*(_number(one[key]) for key in keys)) for name, one in metrics.items()}


def _number(value: float | None) -> float:
    return math.inf if value is None else float(value)
