"""`classify`, `filter`, `score` and `calibrate` on coloured squares, which the toy encoder names exactly."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mirante.cli import main

RGB = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255)}


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    return json.loads(said(capsys, *arguments, "--json"))


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == 0, answer.err
    return answer.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert (ended.value.code, answer.out) == (2, "")
    return answer.err


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """Four different squares of each colour in class folders; one red one lies among the blue."""
    for colour, rgb in RGB.items():
        (tmp_path / "squares" / colour).mkdir(parents=True)
        for size in range(8, 12):
            Image.new("RGB", (size, 8), rgb).save(tmp_path / "squares" / colour / f"{size}.png")
    Image.new("RGB", (20, 8), RGB["red"]).save(tmp_path / "squares" / "blue" / "wrong.png")
    return tmp_path / "squares"


def test_one_picture_gets_probabilities(squares: Path, capsys: Any) -> None:
    picture = squares / "red" / "8.png"
    found = call(capsys, "classify", picture, "--labels", "r=vermelho,b=azul", "--model", "toy", "--language", "pt")
    assert [one["label"] for one in found["labels"]] == ["r", "b"]
    assert found["labels"][0]["words"] == "vermelho"
    assert sum(one["probability"] for one in found["labels"]) == pytest.approx(1)
    assert (found["probability"], found["scale"]) == ("softmax", {"factor": 100.0, "bias": None, "learned": False})
    assert (found["templates"], found["language"], found["picture"]) == ("simple", "pt", str(picture))


def test_people_read_which_probabilities_these_are(squares: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    told = said(capsys, "classify", squares / "red" / "8.png", "--labels", "vermelho,azul", "--model", "toy")
    assert "softmax sobre os 2 rótulos numa escala suposta de 100" in told
    assert told.index("vermelho") < told.index("azul")


def test_a_folder_gets_a_row_a_picture_and_names_unreadable_ones(squares: Path, tmp_path: Path, capsys: Any) -> None:
    (squares / "red" / "cut.png").write_bytes((squares / "red" / "8.png").read_bytes()[:45])
    asked = ("classify", squares, "--labels", "red,green,blue", "--model", "toy")
    found = call(capsys, *asked, "--out", tmp_path / "a.jsonl")
    assert found["unreadable"] == [{"id": "red/cut.png", "reason": "truncated"}]
    assert found["results"] == [], "without the truth nothing is measured"
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert rows == found["pictures"]
    assert {row["id"]: row["label"] for row in rows}["blue/wrong.png"] == "red"
    assert "Unreadable: red/cut.png (truncated)" in said(capsys, *asked, "--out", tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert set(table[0]) == {"id", "path", "label", "probability"}
    assert [row["label"] for row in table] == [row["label"] for row in rows]


def test_class_folders_are_measured_without_being_asked(squares: Path, capsys: Any) -> None:
    found = call(capsys, "classify", squares, "--model", "toy", "--templates", "name")
    (result,) = found["results"]
    assert (result["method"], result["setting"]) == ("zero-shot", None)
    assert result["metrics"]["top1"]["value"] == pytest.approx(12 / 13)
    assert result["confusion"] == {"labels": ["blue", "green", "red"], "counts": [[4, 0, 1], [0, 4, 0], [0, 0, 4]]}
    assert [(one["label"], one["pictures"]) for one in result["classes"]] == [("blue", 5), ("green", 4), ("red", 4)]
    assert result["reliability"][0]["count"] == 13
    told = said(capsys, "classify", squares, "--model", "toy")
    assert "92.3 %" in told
    assert "100 % → 92 % (13)" in told


def test_probes_are_measured_beside_and_shared_pictures_are_told(squares: Path, capsys: Any) -> None:
    asked = ("classify", squares, "--model", "toy", "--label-column", "class", "--train", squares)
    found = call(capsys, *asked, "--probe", "linear", "--probe", "knn")
    assert [one["method"] for one in found["results"]] == ["zero-shot", "linear", "knn"]
    assert found["train"]["shared"] == 13
    told = said(capsys, *asked, "--probe", "knn")
    assert "Warning: 13 of the pictures measured" in told
    assert "nearest neighbours (k = " in told


def test_what_cannot_be_classified_is_refused_with_the_remedy(squares: Path, tmp_path: Path, capsys: Any) -> None:
    base = ("classify", squares, "--model", "toy")
    assert "--labels" in refused(capsys, "classify", squares / "red" / "8.png", "--model", "toy")
    assert "--label-column" in refused(capsys, "classify", "scenes:test-6", "--model", "toy")
    assert "Did you mean 'class'" in refused(capsys, *base, "--label-column", "clas")
    assert "'blue'" in refused(capsys, *base, "--label-column", "class", "--labels", "red,green")
    assert "go together" in refused(capsys, *base, "--probe", "knn")
    assert ".jsonl" in refused(capsys, *base, "--out", tmp_path / "a.txt")
    assert "simple" in refused(capsys, *base, "--templates", "simpel")


def test_a_filter_chooses_its_threshold_on_examples(squares: Path, capsys: Any) -> None:
    asked = ("filter", squares, "--model", "toy", "--drop", "a red thing")
    found = call(capsys, *asked, "--examples", squares, "--match", "class=red", "--least-precision", "0.5")
    assert found["chosen"]["positives"] == 2
    assert found["chosen"]["recall"]["value"] == 1.0
    assert 0 < found["threshold"] < 1
    dropped = sorted(one["id"] for one in found["pictures"] if not one["kept"])
    assert dropped == ["blue/wrong.png", *(f"red/{size}.png" for size in (10, 11, 8, 9))]
    assert (found["kept"], found["dropped"], found["action"]) == (8, 5, "drop")


def test_texts_against_texts_need_no_examples(squares: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "kept.csv"
    told = said(
        capsys, "filter", squares, "--model", "toy", "--drop", "red", "--keep", "blue", "--threshold", 0.1, "--out", out
    )
    assert "8 kept, 5 dropped" in told
    with out.open(newline="") as file:
        assert sum(row["kept"] == "True" for row in csv.DictReader(file)) == 8


def test_keep_alone_keeps_what_matches(squares: Path, capsys: Any) -> None:
    found = call(capsys, "filter", squares, "--model", "toy", "--keep", "green", "--threshold", 0.5)
    assert {one["id"].split("/")[0] for one in found["pictures"] if one["kept"]} == {"green"}
    assert (found["action"], found["kept"]) == ("keep", 4)


def test_filters_that_cannot_cut_are_refused(squares: Path, capsys: Any) -> None:
    base = ("filter", squares, "--model", "toy")
    assert "--drop or --keep" in refused(capsys, *base)
    assert "Where to cut" in refused(capsys, *base, "--drop", "red")
    assert "KEY=VALUE" in refused(capsys, *base, "--drop", "red", "--examples", squares, "--match", "red")
    wrong = refused(capsys, *base, "--drop", "red", "--examples", squares, "--match", "class=rot")
    assert "Valid: blue, green, red" in wrong
    assert "Did you mean 'max'" in refused(capsys, *base, "--drop", "red", "--pool", "maxx")


def test_captions_are_scored(squares: Path, tmp_path: Path, capsys: Any) -> None:
    written = tmp_path / "written.jsonl"
    written.write_text('{"id": "red/8.png", "caption": "red"}\n{"id": "blue/8.png", "caption": "green"}\n')
    found = call(capsys, "score", squares, "--model", "toy", "--candidates", written)
    assert found["clip_score"]["value"] == pytest.approx(1.25)
    assert found["ref_clip_score"]["value"] == pytest.approx((2 * 2.5 / 3.5) / 2)
    assert "RefCLIPScore" in said(capsys, "score", squares, "--model", "toy", "--candidates", written)


def test_an_index_is_calibrated_and_search_then_says_what_is_relevant(tmp_path: Path, capsys: Any) -> None:
    call(capsys, "index", "scenes:test-40", "--model", "toy", "--out", tmp_path / "both")
    before = call(capsys, "search", tmp_path / "both", "red", "-k", 2)
    assert (before["nothing_matches"], before["hits"][0]["relevance"]) == (None, None)
    done = call(capsys, "calibrate", tmp_path / "both", "--data", "scenes:validation-60", "--lang", "en")
    assert (done["holds"], done["gallery"], done["provenance"]["model"]) == ("images", 60, "toy")
    assert 0 <= done["calibration_error"]["first"] <= 1
    assert set(done["nothing_matches"]) == {"present", "absent"}
    after = call(capsys, "search", tmp_path / "both", "red", "-k", 2)
    assert all(0 <= hit["relevance"] <= 1 for hit in after["hits"])
    assert after["nothing_matches"] is (after["hits"][0]["relevance"] < done["threshold"])
    assert "relevance" in said(capsys, "search", tmp_path / "both", "red")


def test_nothing_matches_is_said_in_both_languages(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    from dataclasses import replace

    from mirante.search import Calibration, Gallery

    call(capsys, "index", "scenes:test-40", "--model", "toy", "--out", tmp_path / "both")
    call(capsys, "calibrate", tmp_path / "both", "--data", "scenes:validation-60", "--lang", "en")
    gallery = Gallery.open(tmp_path / "both" / "index")
    made = gallery.calibration
    assert made is not None
    Calibration(replace(made.terms, threshold=1.1), made.mean, made.covariance).save(gallery.folder)
    assert "Nothing here matches" in said(capsys, "search", tmp_path / "both", "red")
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    assert "Nada aqui corresponde" in said(capsys, "search", tmp_path / "both", "red")
