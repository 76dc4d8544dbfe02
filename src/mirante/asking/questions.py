"""How good answers are, on a file of questions: was the right item retrieved, was it cited, are the words right?

Each line of the file is JSON: `{"question": "…", "ids": ["…"], "answers": ["…"]}`. `ids` are items that hold the
answer, `answers` short right answers, each of which will do; both empty: the collection does not hold it.

| metric | one question | of which |
|---|---|---|
| `hit_rate` | a right item is among the k retrieved | `ids` |
| `citation_precision` | share of the cited items that are right | `ids`, and the answer cites |
| `token_f1` | overlap of words with the nearest answer (Rajpurkar et al. 2016, arXiv 1606.05250) | `answers` |
| `containment` | an answer stands in the text, word for word | `answers` |
| `refusal` | "not in this collection" is said | neither |
| `answered` | it is not said | either |
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirante import config
from mirante.asking import Answer
from mirante.errors import UsageError
from mirante.evaluation.intervals import estimate
from mirante.progress import track
from mirante.types import Estimate

METRICS = ("hit_rate", "citation_precision", "token_f1", "containment", "refusal", "answered")
_CITATION = re.compile(r"\[[^\[\]\n]*\]")
_WORD = re.compile(r"\w+")
_ARTICLES = frozenset(["a", "an", "the", "o", "os", "as", "um", "uma", "uns", "umas"])


@dataclass(frozen=True)
class Question:
    """One line of the file.

    Args:
        question: as it is asked.
        ids: items that hold the answer.
        answers: right ones, short.
        language: of the answer, empty for that of the question.
    """

    question: str
    ids: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True)
class Scored:
    """One question, its answer, and each metric that it has."""

    question: Question
    answer: Answer
    scores: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        wanted = {"question": self.question.question, "ids": self.question.ids, "answers": self.question.answers}
        retrieved = [one.hit.id for one in self.answer.hits]
        return {
            **wanted,
            "answer": self.answer.text,
            "found": self.answer.found,
            "citations": self.answer.citations,
            "dropped": self.answer.dropped,
            "retrieved": retrieved,
            "scores": dict(self.scores),
        }


@dataclass(frozen=True)
class Measured:
    """A mean over the n questions that have the metric, and its 95 % interval."""

    mean: Estimate
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"value": self.mean.value, "low": self.mean.low, "high": self.mean.high, "n": self.n}


def read_questions(path: Path) -> tuple[Question, ...]:
    """The questions of a JSON-lines file.

    Raises:
        UsageError: the file cannot be read, holds none, or a line is not what is wanted; the line is named.
        UnknownName: a line has a key that there is none of.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The questions {str(path)!r} cannot be read ({error}): check the path.") from error
    found = tuple(_question(line, f"{path}:{at}") for at, line in enumerate(lines, 1) if line.strip())
    if not found:
        raise UsageError(f"{str(path)!r} holds no questions: write one JSON object a line.")
    return found


def evaluate(questions: Sequence[Question], answer: Callable[[Question], Answer]) -> tuple[Scored, ...]:
    """Ask each question and score what is answered."""
    asked = track(questions, "ask", total=len(questions), unit="questions")
    return tuple(Scored(one, said, scores(one, said)) for one in asked for said in [answer(one)])


def scores(question: Question, answer: Answer) -> dict[str, float]:
    """The metrics that a question has, each from 0 to 1."""
    found: dict[str, float] = {}
    right = set(question.ids)
    if right:
        found["hit_rate"] = float(any(one.hit.id in right for one in answer.hits))
        if answer.citations:
            found["citation_precision"] = sum(one in right for one in answer.citations) / len(answer.citations)
    if question.answers:
        text = words(answer.text)
        wanted = [words(one) for one in question.answers]
        found["token_f1"] = max(token_f1(text, one) for one in wanted)
        found["containment"] = float(any(_stands_in(one, text) for one in wanted))
    found["answered" if right or question.answers else "refusal"] = float(
        answer.found if right or question.answers else not answer.found
    )
    return found


def summary(scored: Iterable[Scored]) -> dict[str, Measured]:
    """The mean of each metric over the questions that have it; metrics that none has are left out."""
    rows = list(scored)
    found: dict[str, Measured] = {}
    for name in METRICS:
        values = [one.scores[name] for one in rows if name in one.scores]
        if values:
            names = [str(at) for at in range(len(values))]
            found[name] = Measured(estimate({name: np.array(values)}, names)[name], len(values))
    return found


def words(text: str) -> list[str]:
    """The words that are compared: without citations, case, punctuation and articles.

    >>> words("The Red star [7] e uma ESTRELA!")
    ['red', 'star', 'e', 'estrela']
    """
    plain = unicodedata.normalize("NFC", _CITATION.sub(" ", text)).casefold()
    return [one for one in _WORD.findall(plain) if one not in _ARTICLES]


def token_f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    """Harmonic mean of the shares of words that agree, each word as often as it stands in both.

    >>> token_f1(["red", "star", "night"], ["red", "star"])
    0.8
    """
    common = sum((Counter(said) & Counter(wanted)).values())
    return 2 * common / (len(said) + len(wanted)) if common else float(not said and not wanted)


def _stands_in(wanted: Sequence[str], text: Sequence[str]) -> bool:
    size = len(wanted)
    return size > 0 and any(list(text[at : at + size]) == list(wanted) for at in range(len(text) - size + 1))


def _question(line: str, where: str) -> Question:
    try:
        plain = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where} is no JSON ({error}): write one object a line.") from error
    if not isinstance(plain, dict):
        raise UsageError(f"{where} is {plain!r}, no object: write question, ids and answers.")
    found = config.build(Question, plain, where)
    if not found.question.strip():
        raise UsageError(f"{where} has a blank question: write what is asked.")
    return found
