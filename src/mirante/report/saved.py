"""Read `results.json` back into the nouns of `mirante.types`; nothing else of an evaluation is needed."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirante.config import build
from mirante.errors import StoreError, UsageError
from mirante.types import Estimate, Protocol, Provenance, Result

NAME = "results.json"
SCHEMA = 1


@dataclass(frozen=True)
class Saved:
    """What an evaluation left behind.

    Args:
        results: one per model, data set and protocol, in the order of the file; at least one.
        environment: versions, commit, seed, command, seconds; whatever was recorded.
    """

    results: tuple[Result, ...]
    environment: Mapping[str, Any]


def read_saved(folder: Path) -> Saved:
    """Read `folder/results.json`.

    Raises:
        UsageError: there is no such file, or it holds no result.
        StoreError: it is damaged or of another schema.
    """
    path = folder / NAME
    document = _document(path)
    try:
        results = tuple(_result(one) for one in document["results"])
        environment = dict(document.get("environment") or {})
    except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
        raise StoreError(f"{str(path)!r} is damaged ({_reason(error)}): run the evaluation again.") from error
    if not results:
        raise UsageError(f"{str(path)!r} holds no result: evaluate at least one model on one data set first.")
    return Saved(results, environment)


def by_protocol(results: tuple[Result, ...]) -> dict[Protocol, list[Result]]:
    """Group results that were measured under equal conditions; only these may share a table."""
    groups: dict[Protocol, list[Result]] = {}
    for result in results:
        groups.setdefault(result.protocol, []).append(result)
    return groups


def estimates(metrics: Mapping[str, Any]) -> dict[str, Estimate]:
    """Plain `{metric: {value, low, high}}` as estimates; null stands for infinity, a rank that was never reached."""
    keys = ("value", "low", "high")
    return {str(name): Estimate(*(_number(one[key]) for key in keys)) for name, one in metrics.items()}


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"Cannot read {str(path)!r} ({error.strerror}): give the folder that an evaluation wrote with --out."
        ) from error
    except ValueError as error:
        raise StoreError(f"{str(path)!r} is not valid JSON ({error}): run the evaluation again.") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise StoreError(
            f"{str(path)!r} has schema {schema!r}, this version reads {SCHEMA}: run the evaluation again with it."
        )
    return document  # type: ignore[no-any-return]


def _result(one: Mapping[str, Any]) -> Result:
    result = Result(
        model=str(one["model"]),
        data=str(one["data"]),
        protocol=build(Protocol, one["protocol"], "protocol"),
        metrics=estimates(one["metrics"]),
        provenance=build(Provenance, one["provenance"], "provenance"),
        details=dict(one.get("details") or {}),
    )
    if one["direction"] != result.direction:
        raise ValueError(f"direction {one['direction']!r} beside a protocol of {result.direction!r}")
    return result


def _number(value: Any) -> float:
    return math.inf if value is None else float(value)


def _reason(error: Exception) -> str:
    return f"no key {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
