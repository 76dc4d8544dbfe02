"""Answers measured on a file of questions: each metric by hand, over the questions that have it."""

import json
from pathlib import Path

import pytest

from mirante.asking import Answer
from mirante.asking.questions import Question, evaluate, read_questions, scores, summary, token_f1, words
from mirante.errors import UnknownName, UsageError
from mirante.retrieval import Found
from mirante.search import Hit


def answer(text: str, *citations: str, retrieved: tuple[str, ...] = ("7", "8"), found: bool = True) -> Answer:
    hits = tuple(Found(Hit(one, 0.5, (), {}, None), at, at) for at, one in enumerate(retrieved, 1))
    return Answer(text, citations, hits, found)


@pytest.mark.parametrize(
    ("question", "said", "wanted"),
    [
        # the right item is second of two; one of two citations is right; 1 of 3 + 2 words agree
        (
            Question("?", ("8",), ("red star",)),
            answer("A red dog runs [7] [8].", "7", "8"),
            {"hit_rate": 1, "citation_precision": 0.5, "token_f1": 0.4, "containment": 0, "answered": 1},
        ),
        # no citation: no precision; the second answer fits best and stands in the text
        (
            Question("?", ("9",), ("blue", "a red star")),
            answer("The red star"),
            {"hit_rate": 0, "token_f1": 1, "containment": 1, "answered": 1},
        ),
        # ids alone, wrongly refused
        (Question("?", ("7",)), answer("no", found=False), {"hit_rate": 1, "answered": 0}),
        # answers alone
        (Question("?", (), ("yes",)), answer("No"), {"token_f1": 0, "containment": 0, "answered": 1}),
        # nothing is right: refused, and not
        (Question("?"), answer("no", found=False), {"refusal": 1}),
        (Question("?"), answer("A star [7]", "7"), {"refusal": 0}),
        # part of a word is no containment
        (Question("?", (), ("star",)), answer("stars"), {"token_f1": 0, "containment": 0, "answered": 1}),
    ],
)
def test_scores_of_one_question(question: Question, said: Answer, wanted: dict[str, float]) -> None:
    assert scores(question, said) == pytest.approx(wanted)


def test_words_are_compared_without_citations_case_marks_and_articles() -> None:
    assert words("O cão, a dog [7]; A ESTRELA!") == ["cão", "dog", "estrela"]
    assert words("[1] [2]") == []
    assert words("à noite") == ["à", "noite"]


def test_words_count_as_often_as_they_stand_in_both() -> None:
    assert token_f1(["red", "red", "star"], ["red", "red"]) == pytest.approx(0.8)
    assert token_f1(["red", "red"], ["red"]) == pytest.approx(2 / 3)
    assert token_f1([], []) == 1
    assert token_f1([], ["red"]) == 0


def test_a_mean_is_over_the_questions_that_have_the_metric() -> None:
    questions = [Question("a", ("7",)), Question("b", ("9",)), Question("c")]
    said = {"a": answer("x [7]", "7"), "b": answer("x"), "c": answer("no", found=False)}
    found = summary(evaluate(questions, lambda one: said[one.question]))
    assert {name: (one.mean.value, one.n) for name, one in found.items()} == {
        "hit_rate": (0.5, 2),
        "citation_precision": (1.0, 1),
        "refusal": (1.0, 1),
        "answered": (1.0, 2),
    }
    for one in found.values():
        assert one.mean.low <= one.mean.value <= one.mean.high


def test_each_question_is_told_with_its_answer() -> None:
    (one,) = evaluate([Question("a", ("7",))], lambda one: answer("x [7]", "7"))
    assert json.loads(json.dumps(one.to_dict())) == {
        "question": "a",
        "ids": ["7"],
        "answers": [],
        "answer": "x [7]",
        "found": True,
        "citations": ["7"],
        "dropped": [],
        "retrieved": ["7", "8"],
        "scores": {"hit_rate": 1.0, "citation_precision": 1.0, "answered": 1.0},
    }


def test_a_file_is_one_question_a_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question": "a?", "ids": ["7"], "answers": ["x", "y"]}\n\n{"question": "b?"}\n', encoding="utf-8")
    assert read_questions(path) == (Question("a?", ("7",), ("x", "y")), Question("b?"))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('{"question": "a"}\n{', UsageError, "questions.jsonl:2 is no JSON"),
        ("[1]", UsageError, "questions.jsonl:1 is [1], no object"),
        ('{"ids": []}', UsageError, "lacks the key 'question'"),
        ('{"question": " "}', UsageError, "questions.jsonl:1 has a blank question"),
        ('{"question": "a", "ids": "7"}', UsageError, "ids"),
        ('{"question": "a", "anwsers": []}', UnknownName, "Did you mean 'answers'"),
        ("\n", UsageError, "holds no questions"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error) as told:
        read_questions(path)
    assert message in str(told.value)


def test_a_file_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_questions(tmp_path / "none.jsonl")
