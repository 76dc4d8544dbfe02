"""Runs and relevance in the TREC text formats, which trec_eval, pytrec_eval and ranx read.

    run    query Q0 document rank score name
    qrels  query 0 document grade

Ids are percent-encoded where a space or control sign would break a line. Everything up to and including "%" is
encoded, and nothing else of ASCII, so encoded ids sort as the ids themselves do: trec_eval breaks ties as we do.
Scores have nine significant digits, enough to give every float32 back.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, unquote

import numpy as np

from mirante.errors import DataError
from mirante.evaluation.files import write
from mirante.evaluation.keys import PADDING, keys, tie_order
from mirante.types import Qrels, Run

_BREAKS = re.compile(r"[\x00-%\s\ud800-\udfff]")


def write_run(path: Path, run: Run) -> None:
    """Write `run` to `path`, whole or not at all. A query without answers leaves no line.

    Raises:
        DataError: an id is empty.
    """
    write(path, _run_lines(run))


def _run_lines(run: Run) -> Iterator[str]:
    documents, name = [encode(one) for one in run.documents], encode(run.name or "mirante")
    for query, indices, scores in zip(run.queries, run.indices.tolist(), run.scores.tolist(), strict=True):
        start = encode(query)
        for rank, (index, score) in enumerate(zip(indices, scores, strict=True), 1):
            if index >= 0:
                yield f"{start} Q0 {documents[index]} {rank} {score:.9g} {name}\n"


def read_run(path: Path) -> Run:
    """Read a run, whoever wrote it; answers are put in the order of their scores and the tie rule.

    Raises:
        DataError: the file cannot be read, a line has not six columns, or a document is listed twice for a query.
    """
    answers: dict[str, dict[str, float]] = {}
    name = "mirante"
    for at, columns in _lines(path, 6):
        query, _, document, _, score, name = columns
        found = answers.setdefault(query, {})
        if document in found:
            _refuse(path, at, f"query {query!r} lists {document!r} twice: keep one")
        found[document] = _number(path, at, score)
    return _run({decode(one): found for one, found in answers.items()}, decode(name))


def _run(answers: dict[str, dict[str, float]], name: str) -> Run:
    encoded = sorted({document for found in answers.values() for document in found})
    documents = tuple(decode(document) for document in encoded)
    column = {document: at for at, document in enumerate(encoded)}
    places = tie_order(documents)
    depth = max((len(found) for found in answers.values()), default=0)
    indices = np.full((len(answers), depth), -1, np.int32)
    scores = np.full((len(answers), depth), -np.inf, np.float32)
    order = np.full((len(answers), depth), PADDING)
    for row, found in enumerate(answers.values()):
        indices[row, : len(found)] = [column[document] for document in found]
        with np.errstate(over="ignore"):  # C, too, reads 1e300 as an infinite float
            scores[row, : len(found)] = np.array(list(found.values()))
        order[row, : len(found)] = keys(scores[row, : len(found)], places[indices[row, : len(found)]])
    best = np.argsort(order, axis=1)[:, ::-1]
    indices, scores = np.take_along_axis(indices, best, axis=1), np.take_along_axis(scores, best, axis=1)
    return Run(tuple(answers), documents, indices, scores, name)


def write_qrels(path: Path, qrels: Qrels) -> None:
    """Write `qrels` to `path`, whole or not at all.

    Raises:
        DataError: an id is empty.
    """
    columns = {one: encode(one) for one in {document for grades in qrels.grades.values() for document in grades}}
    write(path, _qrels_lines(qrels, columns))


def _qrels_lines(qrels: Qrels, columns: Mapping[str, str]) -> Iterator[str]:
    for query, grades in qrels.grades.items():
        start = encode(query)
        yield "".join(f"{start} 0 {columns[document]} {grade}\n" for document, grade in grades.items())


def read_qrels(path: Path) -> Qrels:
    """Read relevance, whoever wrote it.

    Raises:
        DataError: the file cannot be read, a line has not four columns, or a grade is not a whole number.
    """
    grades: dict[str, dict[str, int]] = {}
    for at, (query, _, document, grade) in _lines(path, 4):
        try:
            grades.setdefault(decode(query), {})[decode(document)] = int(grade)
        except ValueError:
            _refuse(path, at, f"the grade {grade!r} is not a whole number: write 0, 1, 2 …")
    return Qrels(grades)


def encode(name: str) -> str:
    """An id as one column: signs up to "%", white space and lone surrogates become %XX; `decode` gives it back.

    >>> encode("um cão/1.png"), decode("um%20cão/1.png")
    ('um%20cão/1.png', 'um cão/1.png')

    Raises:
        DataError: the id is empty.
    """
    if not name:
        raise DataError("An id is '': a TREC file cannot hold it. Give every query and document an id.")
    return _BREAKS.sub(lambda sign: quote(sign[0], safe="", errors="surrogatepass"), name)


def decode(column: str) -> str:
    """The id that `encode` wrote."""
    return unquote(column, errors="surrogatepass") if "%" in column else column


def _lines(path: Path, width: int) -> Iterator[tuple[int, list[str]]]:
    """Numbered lines cut into `width` columns at ASCII white space, as trec_eval does; empty lines are skipped."""
    try:
        with path.open("rb") as file:
            for at, line in enumerate(file, 1):
                columns = [column.decode("utf-8") for column in line.split()]
                if len(columns) == width:
                    yield at, columns
                elif columns:
                    _refuse(path, at, f"{len(columns)} columns where {width} are expected: check the format")
    except OSError as error:
        raise DataError(f"Cannot read {str(path)!r}: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{str(path)!r} is not UTF-8 text: {error}. Write it again as UTF-8.") from error


def _number(path: Path, at: int, score: str) -> float:
    try:
        number = float(score)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        _refuse(path, at, f"the score {score!r} is not a number: write one")
    return number


def _refuse(path: Path, at: int, reason: str) -> NoReturn:
    raise DataError(f"{str(path)!r}, line {at}: {reason}.")
