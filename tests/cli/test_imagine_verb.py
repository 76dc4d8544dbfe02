"""`mirante imagine` with a tiny random CLIP: one document and its files, words for people, one message when wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mirante import registry
from mirante.cli import main

QUICK = ("--steps", 4, "--size", 32, "--cutouts", 2, "--preview-every", 2)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(registry.load("mirante.encoders", "clip").tiny(tmp_path_factory.mktemp("clip") / "model"))


def call(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    with pytest.raises(SystemExit) as ended:
        main(["imagine", *(str(one) for one in arguments)])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    return answer.err if code else answer.out


def test_one_document_and_its_files(guide: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    asked = ("a red star^2", "--minus", "noise^0.5", "--guide", guide, "--judge", "toy", *QUICK, "--out", out)
    found = json.loads(call(capsys, *asked, "--pictures", 2, "--seed", 5, "--usd-per-hour", 3.6, "--json"))
    assert found["schema"] == 1
    assert sorted(one["seed"] for one in found["pictures"]) == [5, 6]
    scores = [one["similarity"] for one in found["pictures"]]
    assert scores == sorted(scores, reverse=True)
    assert all({"seconds", "judged"} <= one.keys() for one in found["pictures"])
    protocol = found["protocol"]
    assert [(one["weight"], one["text"]) for one in protocol["prompts"]] == [(2.0, "a red star"), (-0.5, "noise")]
    assert (protocol["guide"]["model"], protocol["judge"]["model"], protocol["seeds"]) == (guide, "toy", [5, 6])
    assert found["cost"]["device"] == "cpu" or found["cost"]["device"]
    each = [one["seconds"] for one in found["pictures"]]
    assert found["cost"]["seconds_per_image"] == pytest.approx(sum(each) / 2)
    assert found["cost"]["usd_per_1000_images"] == pytest.approx(found["cost"]["seconds_per_image"])
    assert json.loads((out / "imagine.json").read_text(encoding="utf-8")) == found
    assert sorted(path.name for path in out.iterdir()) == [
        "5.gif", "5.png", "6.gif", "6.png", "contact.png", "imagine.json",
    ]  # fmt: skip
    with Image.open(out / "5.gif") as way:
        assert (way.n_frames, way.size) == (2, (32, 32))


def test_pictures_are_prompts_too(guide: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    Image.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    prompts = ("--image", f"{tmp_path / 'red.png'}^2", "--minus-image", tmp_path / "blue.png")
    asked = (*prompts, "--guide", guide, *QUICK, "--out", tmp_path / "out", "--json")
    found = json.loads(call(capsys, *asked))
    assert found["protocol"]["prompts"] == [
        {"weight": 2.0, "text": None, "image": True},
        {"weight": -1.0, "text": None, "image": True},
    ]


def test_people_read_a_table_and_where_the_sheet_is(
    guide: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    said = call(capsys, "a red star", "--guide", guide, *QUICK, "--out", tmp_path / "out")
    assert "Similaridade (guia)" in said
    assert "1 imagens, " in said
    assert "O caminho de cada uma" in said


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ((), "The query is empty"),
        (("a star", "--generator", "furier"), "Did you mean 'fourier'"),
        (("a star", "--generator", "vqgan"), "write vqgan:FOLDER"),
        (("a star", "--generator", "diffusers"), "write diffusers:FOLDER"),
        (("a star", "--guide", "toy"), "gives no gradient"),
        (("a star", "--smallest", "2"), "smallest side above 0 and at most 1"),
    ],
)
def test_a_wrong_call_gets_one_message(
    wrong: tuple[str, ...], message: str, guide: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = call(capsys, *wrong, *(() if "--guide" in wrong else ("--guide", guide)), "--out", tmp_path / "o", code=2)
    assert message in told
    assert told.startswith("mirante: ")
