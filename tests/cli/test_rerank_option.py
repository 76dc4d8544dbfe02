"""`evaluate --rerank`: base and re-ranked side by side, a plain verdict, and one message where the call is wrong."""

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from mirante.advice.evidence import gather
from mirante.cli import main
from mirante.datasets import imagenet_r
from mirante.evaluation import load_results, metric

CHAIN = ("--rerank", "reciprocal", "--rerank", "expansion:2")


def call(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    """What the verb prints: on standard output where it ends well, else on standard error."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    return answer.err if code else answer.out


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder and the document of the toy encoder on twenty scenes, its first twelve answers re-ranked twice."""
    out, printed = tmp_path_factory.mktemp("done"), StringIO()
    asked = ("evaluate", "scenes:test-20", "--model", "toy", "--lang", "en", *CHAIN, "--rerank-depth", "12")
    with redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        main([*asked, "--usd-per-hour", "1.5", "--out", str(out), "--json"])
    assert ended.value.code == 0
    return out, json.loads(printed.getvalue())


def test_the_verdict_stands_beside_base_and_reranked(done: tuple[Path, Any]) -> None:
    folder, found = done
    named = "toy + reciprocal + expansion"
    assert [(one["model"], one["direction"]) for one in found["results"]] == [
        ("toy", "text_to_image"),
        ("toy", "image_to_text"),
        (named, "text_to_image"),
    ]
    base, _, after = found["results"]
    assert after["protocol"] == base["protocol"]
    assert after["provenance"] == base["provenance"]
    (told,) = found["reranked"]
    assert (told["model"], told["reranked"], told["chain"]) == ("toy", named, ["reciprocal", "expansion"])
    assert (told["depth"], told["candidates"], told["metric"]) == (12, 12.0, "hit_rate@1")
    saved, at_cutoff = load_results(folder), metric("hit_rate@12")
    shares = {at_cutoff(saved.ranks(saved.results[at])) for at in (0, 2)}
    assert shares == {told["ceiling"]["hit_rate@1"]}
    before, later = (told[side]["hit_rate@1"]["value"] for side in ("base", "after"))
    assert told["difference"] == pytest.approx(later - before)
    assert told["low"] <= told["difference"] <= told["high"]
    expected = "helps" if told["low"] > 0 else "hurts" if told["high"] < 0 else "no difference shown"
    assert told["word"] == expected
    assert told["seconds_per_query"] > 0
    assert told["usd_per_1000_queries"] == pytest.approx(1000 * told["seconds_per_query"] * 1.5 / 3600)
    assert told["device"] == "cpu"


def test_the_run_is_saved_and_only_its_first_answers_differ(done: tuple[Path, Any]) -> None:
    saved = load_results(done[0])
    base, _, after = saved.results
    one, other = saved.run(base), saved.run(after)
    changed = 0
    for query in one.queries:
        first, second = ([answer for answer, _ in run.ranking(query)] for run in (one, other))
        assert first[12:] == second[12:]
        assert sorted(first[:12]) == sorted(second[:12])
        changed += first != second
    assert changed > 0


def test_the_report_is_drawn_again_with_it(done: tuple[Path, Any], capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = done
    (folder / "report.html").unlink()
    call(capsys, "report", folder, "--lang", "pt", "--json")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "scenes:test-20 · inglês: reordenação das 12 primeiras respostas" in page
    assert "Uma consulta espera" in page


def test_advice_is_on_the_model_and_rescoring_leaves_the_reranked_out(
    done: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = done
    assert [one.model for one in gather(load_results(folder)).models] == ["toy"]
    again = ("rescore", folder, "--protocol", "one-caption", "--out", folder / "again", "--json")
    scored = json.loads(call(capsys, *again))
    assert [one["model"] for one in scored["results"]] == ["toy", "toy"]
    assert all("cost" in one["details"] for one in scored["results"])
    assert scored["reranked"] == []
    said = call(capsys, *again[:-1])
    assert "Re-ranked results are left out" in said


def test_people_read_a_table_and_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("evaluate", "scenes:test-12", "--model", "toy", "--lang", "en", "--rerank", "reciprocal")
    said = " ".join(call(capsys, *asked, "--out", tmp_path).split())
    assert "scenes:test-12 · English: re-ranking of the first 100 answers" in said
    assert "toy + reciprocal" in said
    assert "the best order of the same candidates would reach 100.0%" in said
    assert "ms for its 12 candidates on cpu" in said


def test_names_of_classes_lead_with_average_precision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Six pictures of two classes: two queries for six images."""
    address = imagenet_r.example(tmp_path / "data")
    asked = ("evaluate", address, "--model", "toy", "--rerank", "reciprocal", "--out", tmp_path / "out", "--json")
    (told,) = json.loads(call(capsys, *asked))["reranked"]
    assert (told["metric"], told["queries"], told["candidates"]) == ("map", 2, 6.0)
    assert told["ceiling"]["map"] == 1.0
    assert told["base"]["map"]["value"] < 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rerank", "reciprocl"), "Unknown reranker 'reciprocl'. Did you mean 'reciprocal'?"),
        (("--rerank", "reciprocal", "--rerank", "expansion:0"), "a number of pictures from 1, not '0'"),
        (("--rerank", "reciprocal", "--rerank-depth", "0"), "--rerank-depth"),
    ],
)
def test_a_wrong_call_ends_before_anything_is_embedded(
    options: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    said = call(capsys, "evaluate", "scenes:test-12", "--model", "toy", "--out", out, *options, code=2)
    assert message in " ".join(said.split())
    assert not out.exists()
