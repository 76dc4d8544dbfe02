"""A folder of results: everything that a report needs, without a model.

results.json                 {"schema": 1, "results": [...], "comparisons": [...], "contrasts": [...], "gaps": [...],
                             "reranked": [...], "environment": {...}}
runs/*.trec, qrels/*.trec    named in each result's details, under "files"
ranks/*.txt, pairs/*.jsonl   likewise; see `evidence`
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
from mirante.errors import MiranteError, StoreError
from mirante.evaluation.comparison import Comparison
from mirante.evaluation.contrasts import Contrasted, contrasted
from mirante.evaluation.evidence import read_pairs, read_ranks, write_pairs, write_ranks
from mirante.evaluation.files import write
from mirante.evaluation.judge import Judgement
from mirante.evaluation.languages import Gap
from mirante.evaluation.per_query import PerQuery, per_query
from mirante.evaluation.ranks import Ranks
from mirante.evaluation.trec import read_qrels, read_run, write_qrels, write_run
from mirante.evaluation.verdicts import Verdict, verdict, verdicts
from mirante.types import Estimate, Pairs, Protocol, Provenance, Qrels, Result, Run

SCHEMA = 1
NAME = "results.json"


@dataclass(frozen=True)
class SavedResults:
    """What a folder holds.

    Args:
        folder: where it lies.
        results: in the order in which they were saved.
        environment: configuration, package versions, seeds and whatever else was stored beside them.
        comparisons: of pairs of models within one protocol.
        contrasts: answers to the questions of data sets that ask some.
        gaps: between languages of one test, model by model.
        reranked: what re-ranking did.
    """

    folder: Path
    results: tuple[Result, ...]
    environment: Mapping[str, Any]
    comparisons: tuple[Comparison, ...] = ()
    contrasts: tuple[Contrasted, ...] = ()
    gaps: tuple[Gap, ...] = ()
    reranked: tuple[Verdict, ...] = ()

    def run(self, result: Result) -> Run:
        """The answers behind one of the results."""
        return read_run(self.folder / result.details["files"]["run"])

    def qrels(self, result: Result) -> Qrels:
        """The relevance that one of the results was judged by."""
        return read_qrels(self.folder / result.details["files"]["qrels"])

    def ranks(self, result: Result) -> Ranks:
        """The exact ranks of every relevant document behind one of the results, whatever the run's depth.

        Raises:
            StoreError: the folder holds none.
        """
        return read_ranks(self._file(result, "ranks"), int(result.details.get("unjudged") or 0))

    def pairs(self, result: Result) -> tuple[Pairs, str]:
        """The data behind one of the results as it was read, without pixels, and the language that was read.

        Raises:
            StoreError: the folder holds none.
        """
        return read_pairs(self._file(result, "pairs"))

    def per_query(self, result: Result) -> PerQuery:
        """The values behind one of the results, query by query.

        Raises:
            StoreError: the folder holds no ranks.
        """
        return per_query(result, self.ranks(result), self.qrels(result))

    def _file(self, result: Result, kind: str) -> Path:
        name = result.details["files"].get(kind)
        if not name:
            raise StoreError(
                f"{str(self.folder)!r} keeps no {kind} of {result.model!r}: evaluate again, or use the first folder."
            )
        return self.folder / str(name)


def save_results(
    folder: Path,
    judged: Sequence[Judgement],
    *,
    environment: Mapping[str, Any],
    comparisons: Sequence[Comparison] = (),
    contrasts: Sequence[Contrasted] = (),
    gaps: Sequence[Gap] = (),
    data: Sequence[tuple[Pairs, str]] = (),
) -> SavedResults:
    """Write results with what is behind them, `results.json` last, each file whole or not at all.

    Args:
        folder: made where it is missing.
        judged: results with their runs, relevance and ranks.
        environment: plain JSON data.
        comparisons: of the models.
        contrasts: answers to questions.
        gaps: between languages.
        data: the pairs that were read and their language, found by the name of the results' data; a result without
            its pairs cannot be re-scored.
    """
    taken: dict[str, object] = {}
    pairs_files = {pairs.name: _free(f"pairs/{_safe(pairs.name)}", ".jsonl", taken) for pairs, _ in data}
    for pairs, language in data:
        write_pairs(folder / pairs_files[pairs.name], pairs, language)
    saved = []
    for one in judged:
        stem = f"{_safe(one.result.model)}--{_stem(one.result)}"
        files = {
            "run": _free(f"runs/{stem}", ".trec", taken),
            "qrels": _free(f"qrels/{_stem(one.result)}", ".trec", taken, one.qrels),
            "ranks": _free(f"ranks/{stem}", ".txt", taken),
        }
        write_run(folder / files["run"], one.run)
        write_qrels(folder / files["qrels"], one.qrels)
        write_ranks(folder / files["ranks"], one.ranks)
        if one.result.data in pairs_files:
            files["pairs"] = pairs_files[one.result.data]
        saved.append(replace(one.result, details={**one.result.details, "files": files}))
    told = verdicts(saved, comparisons)
    document = {
        "schema": SCHEMA,
        "results": [result_json(result) for result in saved],
        "comparisons": [asdict(one) for one in comparisons],
        "contrasts": [asdict(one) for one in contrasts],
        "gaps": [asdict(one) for one in gaps],
        "reranked": [one.to_dict() for one in told],
        "environment": dict(environment),
    }
    write(folder / NAME, (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False), "\n"))
    return SavedResults(
        folder, tuple(saved), dict(environment), tuple(comparisons), tuple(contrasts), tuple(gaps), told
    )


def made_of(folder: Path, inputs: str) -> SavedResults | None:
    """The results in `folder` if they are whole and were made of `inputs`, as their environment tells; else None."""
    try:
        saved = load_results(folder)
    except StoreError:
        return None
    files = [str(name) for one in saved.results for name in one.details["files"].values()]
    whole = all((folder / name).is_file() for name in files)
    return saved if whole and saved.environment.get("inputs") == inputs else None


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
        comparisons = tuple(config.build(Comparison, one, str(path)) for one in document.get("comparisons", ()))
        contrasts = tuple(contrasted(one) for one in document.get("contrasts", ()))
        gaps = tuple(config.build(Gap, one, str(path)) for one in document.get("gaps", ()))
        told = tuple(verdict(one) for one in document.get("reranked", ()))
        return SavedResults(folder, results, document["environment"], comparisons, contrasts, gaps, told)
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


def _free(stem: str, ending: str, taken: dict[str, object], content: object = None) -> str:
    """A name that no other content has in this folder: `stem.trec`, `stem-2.trec` …; equal content is one file."""
    for number in count(1):
        name = f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}"
        key = name.casefold()
        if key not in taken or (content is not None and taken[key] == content):
            break
    taken[key] = content
    return name
