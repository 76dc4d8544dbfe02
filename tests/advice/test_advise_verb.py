"""`mirante advise`: from data or from a folder of results to one step, in words and as one document."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mirante import encoders, training
from mirante.cli import main

COLOURS = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))


def ran(capsys: Any, *arguments: object, code: int = 0) -> tuple[str, str]:
    """What the command line prints on standard output and on standard error."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    assert "Traceback" not in answer.err
    return answer.out, answer.err


def photos(folder: Path, captions: Sequence[tuple[str, str]]) -> Path:
    """Pictures of one colour, each with its caption: (colour, caption)."""
    folder.mkdir(exist_ok=True)
    for number, (colour, caption) in enumerate(captions):
        Image.new("RGB", (8, 8), COLOURS[colour]).save(folder / f"{number}-{colour}.png", pnginfo=None)
        (folder / f"{number}-{colour}.txt").write_text(caption, encoding="utf-8")
    return folder


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """Four pictures: three captions name the colour of theirs, and that of the green one another."""
    told = [("red", "a red wall"), ("blue", "the blue sea"), ("white", "white snow"), ("green", "a red leaf")]
    return photos(tmp_path / "photos", told)


def keys(document: dict[str, Any]) -> list[str]:
    return [one["key"] for one in document["recommendation"]["reasons"]]


def test_a_measured_model_is_judged_by_the_rules(four: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "advice"
    document = json.loads(ran(capsys, "advise", four, "--model", "toy", "--out", out, "--json")[0])
    assert document["schema"] == 1
    assert document["data"] == f"{four}:all"
    assert document["learn_from"] == {"data": f"{four}:all", "apart": False, "rows": 4, "texts": 4}
    (model,) = document["measured"]["models"]
    assert (model["model"], model["family"], model["r1"]["value"]) == ("toy", None, 0.75)
    assert [(one["topic"], one["verdict"]) for one in document["answers"]] == [
        ("kind", "diverse"), ("level", "high"), ("step", "deploy"),
    ]  # fmt: skip
    assert "advise.level-high" in keys(document)
    assert json.loads((out / "advice.json").read_text(encoding="utf-8"))["data"] == document["data"]
    assert document["page"] == str(out / "advice.html")
    assert (out / "report.html").is_file()


def test_four_queries_cannot_tell_and_it_is_said(four: Path, tmp_path: Path, capsys: Any) -> None:
    """Two hits of four: the interval of R@1 goes from nothing to all, so that a fine-tune is to be tried."""
    (four / "2-white.txt").write_text("a blue cloud", encoding="utf-8")
    rules = tmp_path / "rules.toml"  # as the guide's, but that few pictures are no reason to collect more
    rules.write_text(
        '[[rules]]\ntopic = "step"\nanswer = "fine-tune-now"\nr1 = { below = 0.35 }\n'
        '[[rules]]\ntopic = "step"\nanswer = "deploy"\nr1 = { least = 0.35 }\n',
        encoding="utf-8",
    )
    call = ("advise", four, "--model", "toy", "--rules", rules, "--out", tmp_path / "advice")
    out = ran(capsys, *call)[0]
    assert "Try fine-tunes on small shares of the data first" in out
    assert "The sample does not exclude:" in out
    assert "to choose between using the model as it is and fine-tuning now" in " ".join(out.split())
    assert f"mirante advise {four} --model toy --learning-curve --out {tmp_path / 'advice'}" in out


def test_a_folder_of_results_needs_no_model(four: Path, tmp_path: Path, capsys: Any) -> None:
    results = tmp_path / "results"
    ran(capsys, "evaluate", four, "--model", "toy", "--out", results, "--json")
    document = json.loads(ran(capsys, "advise", results, "--json")[0])
    assert document["measured"]["models"][0]["r1"]["value"] == 0.75
    assert document["learn_from"]["rows"] == 4
    assert document["out"] == str(results)
    assert (results / "advice.html").is_file()
    assert (results / "results.json").is_file()


def test_a_folder_of_results_stands_without_its_data(four: Path, tmp_path: Path, capsys: Any) -> None:
    results = tmp_path / "results"
    ran(capsys, "evaluate", four, "--model", "toy", "--out", results, "--json")
    four.rename(tmp_path / "elsewhere")
    document = json.loads(ran(capsys, "advise", results, "--json")[0])
    assert document["measured"]["models"][0]["r1"]["value"] == 0.75
    assert (document["learn_from"]["rows"], document["leaks"]) == (4, None)


def test_without_a_model_the_next_step_is_to_measure_one(four: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "advice"
    said = ran(capsys, "advise", four, "--out", out)[0]
    assert said.startswith("Measure a model first.")
    assert f"mirante advise {four} --model google/siglip2-base-patch16-224 --out {out}" in said
    document = json.loads((out / "advice.json").read_text(encoding="utf-8"))
    assert (document["measured"], document["recommendation"]["price"]) == (None, None)


def test_a_model_that_cannot_be_trained_gets_no_configuration(tmp_path: Path, capsys: Any) -> None:
    told = [(colour, "something") for colour in COLOURS for _ in range(3)]
    wrong = photos(tmp_path / "photos", [(colour, f"{text} {at}") for at, (colour, text) in enumerate(told)])
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\ntopic = "step"\nanswer = "fine-tune-now"\nr1 = { least = 0.0 }\n', encoding="utf-8")
    call = ("advise", wrong, "--model", "toy", "--rules", rules, "--out", tmp_path / "a", "--json")
    told_ = json.loads(ran(capsys, *call)[0])["recommendation"]
    assert (told_["action"], told_["config"]) == ("fine-tune", None)
    assert [one["key"] for one in told_["warnings"]] == ["advise.untrainable"]
    assert not (tmp_path / "a" / "fine-tune.toml").exists()


@pytest.mark.parametrize("option", ["--language", "--lang"])
def test_advice_speaks_portuguese(four: Path, tmp_path: Path, capsys: Any, option: str) -> None:
    """The language of the captions that are asked for is that of the page, unless another is named."""
    said = ran(capsys, "advise", four, "--model", "toy", option, "pt_BR", "--out", tmp_path / "a")[0]
    assert "toy acerta a primeira imagem em 75,0% das consultas" in said
    assert "O que fazer com" in (tmp_path / "a" / "advice.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shares", "1,half", "--learning-curve"), "--shares must be percentages above 0"),
        (("--shares", "0,20", "--learning-curve"), "--shares must be percentages above 0"),
        (("--shares", "101", "--learning-curve"), "--shares must be percentages above 0"),
        (("--language", "de"), "language of advice 'de'"),
        (("--rules", "nowhere.toml"), "Cannot read the configuration 'nowhere.toml'"),
        (("--train", "nowhere.csv"), "nowhere.csv"),
        (("--model", "nothing-of-that-name"), "nothing-of-that-name"),
    ],
)
def test_a_wrong_call_is_one_message(
    four: Path, tmp_path: Path, capsys: Any, options: tuple[str, ...], said: str
) -> None:
    out, error = ran(capsys, "advise", four, *options, "--out", tmp_path / "a", code=2)
    assert said in error
    assert out == ""


def test_results_take_no_model(four: Path, tmp_path: Path, capsys: Any) -> None:
    ran(capsys, "evaluate", four, "--model", "toy", "--out", tmp_path / "r", "--json")
    assert "leave it out" in ran(capsys, "advise", tmp_path / "r", "--model", "toy", code=2)[1]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_from_data_to_a_fine_tune_that_runs_as_printed(tmp_path: Path, capsys: Any) -> None:
    """The embedded model knows the pictures of `scenes` and no Portuguese: advice finds that out, and is right."""
    out = tmp_path / "advice"
    call = ("advise", "scenes:test-60", "--train", "scenes:train-128", "--out", out)
    curve = (*call, "--learning-curve", "--shares", "25,75", "--json")
    document = json.loads(ran(capsys, *curve)[0])
    assert (document["focus"]["language"], document["focus"]["r1"]["value"] < 0.15) == ("pt-BR", True)
    assert {"advise.languages-words", "advise.curve-tried"} <= set(keys(document))
    points = document["learning_curve"]["points"]
    assert [one["pictures"] for one in points] == [0, 32, 96]
    assert points[2]["r1"]["value"] > points[0]["r1"]["value"] + 0.05
    assert "few-points" in document["learning_curve"]["doubts"]
    assert document["learning_curve"]["forgotten"]["protocol"]["language"] == "en"
    told = document["recommendation"]
    assert (told["action"], told["price"]["tried"]) == ("fine-tune", True)

    config = training.read_config(Path(told["config"]))
    assert (config.trained.image, config.data.language) == ("none", "pt-BR")
    again = json.loads(ran(capsys, *curve)[0])
    assert again["learning_curve"] == document["learning_curve"], "no run is done twice"

    words = shlex.split(told["command"])
    assert words[0] == "mirante"
    trained = json.loads(ran(capsys, *words[1:], "--json")[0])
    before, after = (trained[side]["hit_rate@1"]["value"] for side in ("before", "after"))
    assert before == pytest.approx(points[0]["r1"]["value"])
    assert after > points[2]["r1"]["value"]
    assert encoders.load(trained["checkpoint"]).dim == encoders.load("scenes").dim
