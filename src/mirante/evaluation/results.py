"""A folder of results: everything that a report needs, without a model.

results.json                 {"schema": 1, "results": [...], "environment": {...}}
runs/*.trec, qrels/*.trec    named in each result's details, under "files"
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from mirante import config
from mirante.errors import MiranteError, StoreError, UsageError
from mirante.evaluation.files import write
from mirante.evaluation.trec import read_qrels, read_run, write_qrels, write_run
from mirante.types import Estimate, Protocol, Provenance, Qrels, Result, Run

SCHEMA = 1
NAME = "results.json"


@dataclass(frozen=True)
class SavedResults:
    """What a folder holds.

    Args:
        folder: where it lies.
        results: in the order in which they were saved.
        environment: configuration, package versions, seeds and whatever else was stored beside them.
    """

    folder: Path
    results: tuple[Result, ...]
    environment: Mapping[str, Any]

    def run(self, result: Result) -> Run:
        """The answers behind one of the results."""
        return read_run(self.folder / result.details["files"]["run"])

    def qrels(self, result: Result) -> Qrels:
        """The relevance that one of the results was judged by."""
        return read_qrels(self.folder / result.details["files"]["qrels"])


def save_results(
    folder: Path,
    results: Sequence[Result],
    *,
    runs: Sequence[Run],
    qrels: Sequence[Qrels],
    environment: Mapping[str, Any],
) -> SavedResults:
    """Write results with their runs and relevance, `results.json` last, each file whole or not at all.

    Args:
        folder: made where it is missing.
        results: n results.
        runs: the run behind each, in the same order.
        qrels: the relevance behind each, in the same order.
        environment: plain JSON data.

    Raises:
        UsageError: the numbers of results, runs and qrels differ.
    """
    if not len(results) == len(runs) == len(qrels):
        raise UsageError(f"{len(results)} results, {len(runs)} runs and {len(qrels)} qrels: give one of each.")
    taken: dict[str, Qrels | None] = {}
    saved = []
    for result, run, judged in zip(results, runs, qrels, strict=True):
        run_file = _free(f"runs/{_safe(result.model)}--{_stem(result)}", taken, None)
        qrels_file = _free(f"qrels/{_stem(result)}", taken, judged)
        write_run(folder / run_file, run)
        write_qrels(folder / qrels_file, judged)
        files = {"run": run_file, "qrels": qrels_file}
        saved.append(replace(result, details={**result.details, "files": files}))
    document = {
        "schema": SCHEMA,
        "results": [result_json(result) for result in saved],
        "environment": dict(environment),
    }
    write(folder / NAME, (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False), "\n"))
    return SavedResults(folder, tuple(saved), dict(environment))


def load_results(folder: Path) -> SavedResults:
    """Read what `save_results` wrote.

    Raises:
        StoreError: there is no `results.json`, it is damaged, or it is of another version.
    """
    path = folder / NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise StoreError(f"{str(path)!r} has schema {document['schema']!r}, not {SCHEMA}: evaluate again.")
        results = tuple(_result(one, str(path)) for one in document["results"])
        return SavedResults(folder, results, document["environment"])
    except OSError as error:
        raise StoreError(f"Cannot read {str(path)!r}: {error.strerror}. Is it a folder of results?") from error
    except StoreError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, MiranteError) as error:
        raise StoreError(f"{str(path)!r} is damaged ({error!r}): evaluate again.") from error


def result_json(result: Result) -> dict[str, Any]:
    """One result as plain JSON data; an infinite figure (nothing retrieved) is null.

    Returns:
        `{model, data, direction, protocol, metrics: {name: {value, low, high}}, provenance, details}`.
    """
    return {
        "model": result.model,
        "data": result.data,
        "direction": result.direction,
        "protocol": asdict(result.protocol),
        "metrics": {name: _finite(asdict(one)) for name, one in result.metrics.items()},
        "provenance": asdict(result.provenance),
        "details": _finite(dict(result.details)),
    }


def _result(plain: Mapping[str, Any], where: str) -> Result:
    metrics = {name: _estimate(one) for name, one in plain["metrics"].items()}
    return Result(
        model=plain["model"],
        data=plain["data"],
        protocol=config.build(Protocol, plain["protocol"], where),
        metrics=metrics,
        provenance=config.build(Provenance, plain["provenance"], where),
        details=plain["details"],
    )


def _estimate(plain: Mapping[str, float | None]) -> Estimate:
    value, low, high = (math.inf if (one := plain[key]) is None else float(one) for key in ("value", "low", "high"))
    return Estimate(value, low, high)


def _finite(value: Any) -> Any:
    """`value` with every infinite or undefined number as None, which JSON can say."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _stem(result: Result) -> str:
    return f"{_safe(result.data)}--{result.direction}"


def _safe(name: str) -> str:
    """A file name of letters, digits, dots and dashes; its last 80 signs, which tell more than the first."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", name)[-80:].strip("-.") or "unnamed"


def _free(stem: str, taken: dict[str, Qrels | None], content: Qrels | None) -> str:
    """A name that no other content has in this folder: `stem.trec`, `stem-2.trec` …; equal relevance is one file."""
    for number in count(1):
        name = f"{stem}.trec" if number == 1 else f"{stem}-{number}.trec"
        key = name.casefold()
        if key not in taken or (content is not None and taken[key] == content):
            break
    taken[key] = content
    return name
