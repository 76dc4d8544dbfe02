"""Published data sets on the command line: what is absent, languages side by side, questions, names of classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from mirante import registry
from mirante.cli import main


def call(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    return answer.out


def document(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    return json.loads(call(capsys, *arguments, "--json", code=code))


@pytest.fixture
def example(tmp_path: Path) -> Any:
    """The address of a small data set of the kind, and a folder for results."""

    def write(name: str) -> tuple[str, Path]:
        (tmp_path / "data").mkdir()
        return str(registry.load("mirante.datasets", name).example(tmp_path / "data")), tmp_path / "out"

    return write


def test_inspect_says_what_to_download_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_DATA", str(tmp_path))
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    plain = document(capsys, "inspect", "winoground", code=1)
    assert (plain["schema"], plain["data"], plain["present"]) == (1, "winoground", False)
    assert plain["folder"] == str(tmp_path / "winoground")
    assert plain["published"]["bytes"] == 367_000_000
    said = call(capsys, "inspect", "winoground", code=1)
    assert "Winoground (winoground) não está nesta máquina." in said
    assert "0,4 GB" in said
    assert "Meta Images Research License" in said


def test_inspect_of_what_is_there_says_whose_it_is(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    address, _ = example("crossmodal-3600")
    plain = document(capsys, "inspect", address)
    assert (plain["present"], plain["images"], plain["published"]["name"]) == (True, 6, "crossmodal-3600")
    assert "arXiv 2205.12522" in call(capsys, "inspect", address)
    assert document(capsys, "inspect", "scenes:test-6")["published"] is None


def test_any_other_verb_refuses_what_is_absent_with_the_same_facts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_DATA", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "coco", "--model", "toy", "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "20.1 GB" in said
    assert "http://images.cocodataset.org/zips/val2014.zip" in said
    assert not (tmp_path / "out").exists()


def test_each_language_has_its_row_and_the_gap_is_told(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    address, out = example("crossmodal-3600")
    found = document(capsys, "evaluate", address, "--model", "toy", "--out", out)
    assert [(one["protocol"]["language"], one["direction"]) for one in found["results"]] == [
        (language, way) for language in ("en", "pt") for way in ("text_to_image", "image_to_text")
    ]
    assert {one["protocol"]["equal_captions"] for one in found["results"]} == {"as given"}
    gaps = [one for one in found["gaps"] if one["metric"] == "hit_rate@1"]
    assert [(one["first"], one["second"], one["direction"], one["images"]) for one in gaps] == [
        ("pt", "en", "text_to_image", 6),
        ("pt", "en", "image_to_text", 6),
    ]
    values = {
        (one["protocol"]["language"], one["direction"]): one["metrics"]["mrr"]["value"] for one in found["results"]
    }
    (gap,) = [one for one in found["gaps"] if (one["metric"], one["direction"]) == ("mrr", "image_to_text")]
    assert gap["difference"] == pytest.approx(values["pt", "image_to_text"] - values["en", "image_to_text"])
    said = call(capsys, "evaluate", address, "--model", "toy", "--out", out)
    assert "2 languages: text to image" in said
    assert {"English", "Portuguese"} <= set(said.replace("│", " ").split())
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "crossmodal-3600" in page
    assert "2 languages: text to image" in page


def test_a_language_narrows(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    address, out = example("crossmodal-3600")
    found = document(capsys, "evaluate", address, "--model", "toy", "--out", out, "--lang", "pt")
    assert {one["protocol"]["language"] for one in found["results"]} == {"pt"}
    assert found["gaps"] == []


def test_the_published_protocol_refuses_an_example(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    address, out = example("crossmodal-3600")
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", address, "--model", "toy", "--out", str(out), "--protocol", "crossmodal-3600"])
    assert ended.value.code == 1
    assert "has 6 images in 'en', the protocol 'Crossmodal-3600, each language' means 3600" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "scores", "kinds"),
    [
        ("winoground", {"text", "image", "group"}, ["", "Object", "Relation"]),
        ("sugarcrepe", {"choice"}, ["", "replace_att", "swap_obj"]),
    ],
)
def test_questions_are_asked_beside_retrieval(
    name: str, scores: set[str], kinds: list[str], example: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    address, out = example(name)
    found = document(capsys, "evaluate", address, "--model", "toy", "--out", out)
    assert [one["kind"] for one in found["contrasts"]] == kinds
    assert all(set(one["metrics"]) == set(one["chance"]) == scores for one in found["contrasts"])
    assert len(found["results"]) == 2
    said = call(capsys, "evaluate", address, "--model", "toy", "--out", out)
    assert "which text fits which picture" in said
    assert "which text fits which picture" in (out / "report.html").read_text(encoding="utf-8")


def test_the_minimal_pairs_of_scenes_are_asked_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, "evaluate", "scenes:hard-8", "--model", "toy", "--out", tmp_path)
    whole = {one["language"]: one["questions"] for one in found["contrasts"] if not one["kind"]}
    assert whole == {"en": 4, "pt-BR": 4}
    assert {one["kind"] for one in found["contrasts"]} == {"", "kind", "colour", "size", "side"}
    limited = document(capsys, "evaluate", "scenes:hard-8", "--model", "toy", "--out", tmp_path, "--limit", 5)
    assert {one["questions"] for one in limited["contrasts"] if not one["kind"]} == {2}
    assert document(capsys, "evaluate", "scenes:test-6", "--model", "toy", "--out", tmp_path)["contrasts"] == []


def test_names_of_classes_are_measured_by_map(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    address, out = example("imagenet-r")
    asked = document(capsys, "evaluate", address, "--model", "toy", "--out", out)["results"][0]
    assert (asked["protocol"]["queries"], asked["protocol"]["gallery"]) == (2, 6)
    assert 0 < asked["metrics"]["map"]["value"] <= 1
    said = call(capsys, "evaluate", address, "--model", "toy", "--out", out)
    assert said.index(" map ") < said.index("image to text") < said.index(" mrr ")
