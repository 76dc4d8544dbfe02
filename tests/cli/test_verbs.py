"""Every verb answers with one JSON document on standard output, and a wrong call with one message and exit code 2."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from mirante.cli import app, main
from mirante.datasets import open_dataset

VERBS = ("demo", "inspect", "embed", "index", "search", "evaluate", "report", "rescore", "train", "probe")


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """What the verb prints on standard output, as JSON."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == 0, answer.err
    return json.loads(answer.out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
    """The message of a call that ends with `code` and prints nothing on standard output."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err
    return answer.err


@pytest.fixture
def vectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Twelve scenes embedded by the toy encoder."""
    call(capsys, "embed", "scenes:test-12", "--model", "toy", "--out", tmp_path / "vectors", "--json")
    return tmp_path / "vectors"


def test_no_verb_has_one_flag_for_two_options() -> None:
    for name, verb in get_command(app).commands.items():
        flags = Counter(flag for option in verb.params for flag in option.opts)
        assert {flag for flag, count in flags.items() if count > 1} == set(), name


def test_inspect_counts_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "inspect", "scenes:test-12", "--lang", "en", "--json")
    assert found["schema"] == 1
    assert found["images"] == 12
    assert set(found["languages"]) == {"en"}
    assert found["captions"] == found["languages"]["en"] == found["splits"]["test-12"]["captions"]
    assert found["unreadable"] == []


def test_embed_encodes_once(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = call(capsys, "embed", "scenes:test-12", "--model", "toy", "--out", vectors, "--json")
    assert again["images"] == {"embedded": 0, "reused": 12, "unreadable": 0}
    assert again["out"] == str(vectors)


def test_embed_stops_at_the_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("embed", "scenes:test-12", "--model", "toy", "--out", tmp_path, "--limit", 5, "--json")
    assert call(capsys, *asked)["images"]["embedded"] == 5


def test_index_and_search(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = call(capsys, "index", vectors, "--kind", "faiss-flat", "--json")
    assert {name: made[name] for name in ("schema", "index", "kind", "count", "model")} == {
        "schema": 1,
        "index": str(vectors / "index"),
        "kind": "faiss-flat",
        "count": 12,
        "model": "toy",
    }
    found = call(capsys, "search", vectors, "red", "-k", 3, "--json")
    assert len(found["hits"]) == 3
    assert set(found["hits"][0]) == {"id", "score", "relevance", "captions", "metadata", "path"}
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    style = found["hits"][0]["metadata"]["style"]
    same = call(capsys, "search", vectors, "red", "--where", f"style={style}", "--json")
    assert {hit["metadata"]["style"] for hit in same["hits"]} == {style}


def test_index_of_a_data_set_in_one_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = call(capsys, "index", "scenes:test-6", "--model", "toy", "--out", tmp_path / "both", "--json")
    assert made["count"] == 6
    assert len(call(capsys, "search", tmp_path / "both", "blue", "--json")["hits"]) == 6


def test_evaluate_then_report_again_in_portuguese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = (
        "evaluate",
        "scenes:test-12",
        "scenes:hard-12",
        "--model",
        "toy",
        "--out",
        tmp_path,
        "--lang",
        "en",
        "--json",
    )
    results = call(capsys, *asked)["results"]
    assert [(one["data"], one["direction"]) for one in results] == [
        ("scenes:test-12", "text_to_image"),
        ("scenes:test-12", "image_to_text"),
        ("scenes:hard-12", "text_to_image"),
        ("scenes:hard-12", "image_to_text"),
    ]
    first = results[0]
    assert first["protocol"]["gallery"] == 12
    assert first["protocol"]["language"] == "en"
    share = first["metrics"]["hit_rate@1"]
    assert 0 <= share["low"] <= share["value"] <= share["high"] <= 1
    assert len(list((tmp_path / "runs").glob("*.trec"))) == 4
    (tmp_path / "report.html").unlink()
    drawn = call(capsys, "report", tmp_path, "--lang", "pt", "--json")
    assert 'lang="pt-BR"' in Path(drawn["report"]).read_text(encoding="utf-8")


def test_two_models_are_compared_and_scored_again_under_another_protocol(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("evaluate", "scenes:test-20", "--model", "toy", "--model", "scenes", "--lang", "en", "--json")
    found = call(capsys, *asked, "--out", tmp_path / "first")
    (hit,) = (
        one
        for one in found["comparisons"]
        if one["metric"] == "hit_rate@1" and one["protocol"]["direction"] == "text_to_image"
    )
    assert (hit["first"], hit["second"]) == ("scenes", "toy")
    assert hit["low"] <= hit["difference"] <= hit["high"]
    assert 0 < hit["p"] <= hit["p_holm"] <= 1
    assert hit["clusters"] <= 20

    again = ("rescore", tmp_path / "first", "--protocol", "random-10-percent", "--json")
    scored = call(capsys, *again, "--out", tmp_path / "second")
    assert {one["protocol"]["gallery"] for one in scored["results"]} == {2}
    assert {one["model"] for one in scored["results"]} == {"toy", "scenes"}
    assert (tmp_path / "second" / "report.html").exists()
    assert "is the folder of the results themselves" in refused(capsys, *again, "--out", tmp_path / "first")
    wrong = ("evaluate", "scenes:test-20", "--model", "toy", "--protocol", "flickr30k-1k", "--out", tmp_path / "third")
    assert "means 1000" in refused(capsys, *wrong, code=1)
    assert not (tmp_path / "third" / "embeddings").exists()


def test_evaluate_says_how_many_pictures_were_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, item in enumerate(open_dataset("scenes").items("test-3")):
        item.picture.load().save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(item.captions[0].text)
    (folder / "2.png").write_bytes(b"no picture")
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(folder), "--model", "toy", "--out", str(tmp_path / "out")])
    answer = capsys.readouterr()
    assert ended.value.code == 0, answer.err
    assert "in a gallery of 2" in answer.out
    assert answer.out.count("Unreadable pictures left out: 1 (`mirante inspect` names them)") == 2


@pytest.mark.slow
def test_train_writes_a_model_that_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        f'out = "{tmp_path}/run"\nsteps = 3\nbatch = 8\n[model.new]\nwidth = 32\nimage_depth = 1\ntext_depth = 1\n'
        '[data]\naddress = "scenes:train-40"\nvalidation = "scenes:validation-20"\nlanguage = "en"\n'
    )
    done = call(capsys, "train", recipe, "--json")
    assert done["steps"] == 3
    assert set(done["after"]["hit_rate@1"]) == {"value", "low", "high"}
    found = call(capsys, "evaluate", "scenes:test-12", "--model", done["checkpoint"], "--out", tmp_path / "e", "--json")
    assert found["results"][0]["model"] == done["checkpoint"]


def test_a_picture_as_query_finds_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    for colour in ("red", "green", "blue"):
        Image.new("RGB", (16, 16), colour).save(tmp_path / f"{colour}.png")
        (tmp_path / f"{colour}.txt").write_text(f"a {colour} square\n")
    call(capsys, "index", tmp_path, "--model", "toy", "--out", tmp_path.parent / "index-of-colours", "--json")
    found = call(capsys, "search", tmp_path.parent / "index-of-colours", "--image", tmp_path / "green.png", "--json")
    assert found["hits"][0]["id"] == "green.png"
    assert found["hits"][0]["captions"] == ["a green square"]


def test_wrong_names_are_refused_with_the_valid_ones(tmp_path: Path, vectors: Path, capsys: Any) -> None:
    table = tmp_path / "t.csv"
    table.write_text("image,caption\na.png,a cat\n")
    recipe = tmp_path / "wrong.toml"
    recipe.write_text('out = "x"\nlerning_rate = 1.0\n[model]\n[data]\naddress = "scenes:train"\n')
    assert "learning_rate" in refused(capsys, "train", recipe)
    assert "caption" in refused(capsys, "inspect", table, "--text-column", "captoin")
    assert "scenes" in refused(capsys, "evaluate", "scenes:test-6", "--model", "scnes", "--out", tmp_path / "e")
    assert "nowhere.parquet" in refused(capsys, "inspect", tmp_path / "nowhere.parquet")
    assert "exact" in refused(capsys, "index", vectors, "--kind", "exactt")
    assert "validation" in refused(capsys, "inspect", "scenes:valid")
    call(capsys, "index", vectors, "--json")
    assert "KEY=VALUE" in refused(capsys, "search", vectors, "red", "--where", "style")
    assert "empty" in refused(capsys, "search", vectors)
    assert "style" in refused(capsys, "search", vectors, "red", "--where", "stile=ink")


def test_a_query_of_another_model_is_refused(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "index", vectors, "--json")
    assert "toy" in refused(capsys, "search", vectors, "red", "--model", "scenes")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_json_and_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "serch" in refused(capsys, "serch")
