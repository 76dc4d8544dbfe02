"""`mirante index`: the kind that is chosen and why, the recall that is measured, and what is said where it misses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mirante import pipeline
from mirante.cli import main
from mirante.indexes import build_index
from mirante.indexes._structures import Lists
from mirante.search import Gallery
from mirante.types import Embeddings, Provenance


def call(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    return answer.out, answer.err


@pytest.fixture
def vectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Thirty scenes and their captions, embedded by the toy encoder."""
    call(capsys, "embed", "scenes:test-30", "--model", "toy", "--out", tmp_path / "vectors", "--json")
    return tmp_path / "vectors"


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """In place of the thirty, an index is built over 2,000 rows in clusters; the arguments of each call are kept."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(40, 8))
    drawn = centres[np.arange(2_200) % 40] + 0.9 * random.normal(size=(2_200, 8))
    unit = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    calls: list[Any] = []

    def build(kind: str, rows: Embeddings, **others: Any) -> Any:
        calls.append((kind, rows, others))
        made = Embeddings(tuple(f"r{at}" for at in range(2_000)), unit[:2_000], Provenance("toy", "r", "p"))
        return build_index(
            kind, made, **{**others, "captions": unit[2_000:] if others["captions"] is not None else None}
        )

    monkeypatch.setattr(pipeline, "build_index", build)
    monkeypatch.setattr(Gallery, "create", lambda folder, kind, rows, entries, made: Told(kind, made))
    return calls


class Told:
    """What the verb reads of a gallery."""

    def __init__(self, kind: str, made: Any) -> None:
        self.kind, self.made, self.provenance, self.manifest = kind, made, Provenance("toy", "r", "p"), self
        self.index = dict(made.describe())

    def __len__(self) -> int:
        return len(self.made)


def test_auto_says_what_was_chosen_and_why(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(call(capsys, "index", vectors, "--kind", "auto", "--json")[0])
    assert (document["kind"], document["choice"]["asked"], document["choice"]["reason"]) == ("exact", "auto", "few")
    assert (document["choice"]["rows"], document["choice"]["needed"]) == (30, 30 * 4 * document["choice"]["dim"])
    assert document["choice"]["memory"] > 10**8
    assert document["attempts"] == [{"kind": "exact", "missed": None, "tuned": None}]
    assert document["described"] == Gallery.open(vectors / "index").manifest.index


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Chosen: exact. 30 rows of"), ("pt", "Escolhido: exact. 30 linhas de")]
)
def test_the_reason_is_told_in_both_languages(
    language: str, said: str, vectors: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_LANG", language)
    assert said in call(capsys, "index", vectors, "--kind", "auto")[0]


def test_captions_that_were_embedded_are_the_queries(
    vectors: Path, capsys: pytest.CaptureFixture[str], many: list[Any]
) -> None:
    told = json.loads(call(capsys, "index", vectors, "--kind", "faiss-ivf-flat", "--recall", 0.9, "--json")[0])
    ((kind, rows, others),) = many
    assert (kind, len(rows.ids), others["recall"]) == ("faiss-ivf-flat", 30, 0.9)
    assert len(others["captions"]) >= 30
    assert told["attempts"][0]["tuned"]["source"] == told["described"]["recall_source"] == "captions"
    assert told["described"]["recall"] >= 0.9


def test_what_was_measured_is_told(vectors: Path, capsys: pytest.CaptureFixture[str], many: list[Any]) -> None:
    out, _ = call(capsys, "index", vectors, "--kind", "faiss-ivf-flat", "--recall", 0.9)
    assert "on 100 of your captions" in out
    assert "Recall@10 9" in out or "Recall@10 100" in out


def test_a_kind_that_misses_the_target_is_told(
    vectors: Path, capsys: pytest.CaptureFixture[str], many: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lists, "reaches", [1])
    out, _ = call(capsys, "index", vectors, "--kind", "faiss-ivf-flat", "--recall", 0.999)
    assert "faiss-ivf-flat reaches a recall of 0." in out
    assert "not 0.999: exact takes its place" in out


@pytest.mark.parametrize("wrong", ["0", "1.5", "-0.1"])
def test_a_recall_that_cannot_be_is_refused(vectors: Path, capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    out, err = call(capsys, "index", vectors, "--kind", "auto", "--recall", wrong, code=2)
    assert (out, "above 0 and at most 1" in " ".join(err.split())) == ("", True)


def test_auto_is_among_the_kinds_that_a_wrong_one_is_answered_with(
    vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = call(capsys, "index", vectors, "--kind", "automatic", code=2)
    assert "Did you mean 'auto'?" in err
