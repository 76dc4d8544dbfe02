"""`mirante ask` on four entries, and `search --rerank`: one document or words for people, one message when wrong."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mirante.cli import main
from mirante.encoders import load
from mirante.search import Entry, Gallery
from mirante.types import Embeddings

COLOURS = ("blue", "green", "red", "white")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Four entries of plain colours, as the toy encoder sees their names; they have no files."""
    toy = load("toy")
    rows = Embeddings(COLOURS, toy.encode_texts(COLOURS), toy.provenance)
    entries = [Entry(one, (f"a {one} square",), {"warm": one == "red"}) for one in COLOURS]
    return Gallery.create(tmp_path / "index", "exact", rows, entries).folder


def call(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    return answer.err if code else answer.out


def test_an_answer_as_one_document(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(call(capsys, "ask", index, "is there a red square?", "-k", 2, "--json"))
    assert found["schema"] == 1
    assert found["answer"].endswith("- a red square — warm: true [red]\n- a white square — warm: false [white]")
    assert (found["citations"], found["dropped"], found["found"]) == (["red", "white"], [], True)
    assert [(hit["id"], hit["rank"], hit["before"]) for hit in found["hits"]] == [("red", 1, 1), ("white", 2, 2)]
    assert (found["generator"], found["language"], found["model"]) == ("extractive", "en", "toy")
    assert (found["question"], found["index"]) == ("is there a red square?", str(index))


def test_people_read_the_answer_and_what_it_cites(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, "ask", index, "tem um quadrado vermelho?", "-k", 1)
    assert said.startswith("Encontrado neste acervo (")
    assert "- a red square — warm: true [red]\n\n" in said
    assert said.count("a red square") == 2


def test_a_language_and_a_filter_may_be_wished_for(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("ask", index, "a blue square", "--lang", "pt", "--where", "warm=true", "--json")
    found = json.loads(call(capsys, *asked))
    assert (found["language"], [hit["id"] for hit in found["hits"]]) == ("pt", ["red"])


def test_reranking_reaches_search_and_ask(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = ("--rerank", "expansion:1", "--rerank", "reciprocal", "--rerank-depth", 3, "--json")
    found = json.loads(call(capsys, "search", index, "red", "-k", 4, *chain))
    assert (found["rerank"], found["depth"]) == (["expansion", "reciprocal"], 3)
    assert sorted(hit["before"] for hit in found["hits"]) == [1, 2, 3, 4]
    assert found["hits"][3]["before"] == 4
    plain = json.loads(call(capsys, "search", index, "red", "-k", 4, "--json"))
    assert (plain["rerank"], plain["depth"], "before" in plain["hits"][0]) == ([], 0, False)
    told = json.loads(call(capsys, "ask", index, "red", "-k", 4, *chain))
    assert [hit["id"] for hit in told["hits"]] == [hit["id"] for hit in found["hits"]]


def test_people_see_the_rank_before(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "rank before" in call(capsys, "search", index, "red", "--rerank", "reciprocal")
    assert "rank before" not in call(capsys, "search", index, "red")


def test_answers_are_measured(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Extraction cites both of the two retrieved: of two questions with ids, one finds its item."""
    path = tmp_path / "questions.jsonl"
    lines = [
        {"question": "which square is red?", "ids": ["red"], "answers": ["a red square"]},
        {"question": "which square is red?", "ids": ["blue"]},
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    found = json.loads(call(capsys, "ask", index, "--eval", path, "-k", 2, "--json"))
    means = {name: (one["value"], one["n"]) for name, one in found["metrics"].items()}
    f1 = means.pop("token_f1")
    assert means == {
        "hit_rate": (0.5, 2),
        "citation_precision": (0.25, 2),
        "containment": (1.0, 1),
        "answered": (1.0, 2),
    }
    assert 0 < f1[0] < 1
    assert found["protocol"] == {
        "index": str(index),
        "file": str(path),
        "template": "",
        "questions": 2,
        "gallery": 4,
        "model": "toy",
        "k": 2,
        "rerank": [],
        "depth": 0,
        "where": {},
        "generator": "extractive",
        "language": "",
        "calibrated": False,
    }
    assert [one["retrieved"] for one in found["questions"]] == [["red", "white"]] * 2
    said = call(capsys, "ask", index, "--eval", path, "-k", 2)
    assert "2 questions about 4 items, 2 retrieved for each" in said
    assert "not calibrated" in said
    assert "cited items that are right" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "takes one question, or --eval"),
        (("red", "--eval", "x.jsonl"), "takes one question, or --eval"),
        (("red", "--generator", "extractiv"), "Did you mean 'extractive'?"),
        (("red", "--generator", "openai:http://localhost/v1"), "needs the model's name"),
        (("red", "--template", "none.toml"), "Cannot read the configuration"),
        (("red", "--rerank", "reciprocl"), "Did you mean 'reciprocal'?"),
        (("red", "--where", "warm"), "KEY=VALUE"),
        (("--eval", "none.jsonl"), "cannot be read"),
    ],
)
def test_a_wrong_call_is_one_message(
    options: tuple[str, ...], message: str, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in call(capsys, "ask", index, *options, code=2)


def test_pictures_may_come_from_the_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`scenes` has no files: a re-ranker that looks needs --pictures."""
    from mirante.cli.search import LookingAgain
    from mirante.datasets import open_dataset
    from mirante.search import Hit

    (item, *_) = open_dataset("scenes:test-3").items("test-3", "en")
    _, pictures = LookingAgain(pictures="scenes:test-3").open(load("toy"))
    assert pictures is not None
    shown = pictures(Hit(item.picture.id, 0.0, (), {}, None))
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(item.picture.load()))
