"""`mirante blend` measures between two models, leaves a checkpoint and a report, and refuses in one message."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mirante import encoders
from mirante.cli import main
from mirante.encoders import _tiny


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A random SigLIP and a copy of it with another text tower."""
    folder = tmp_path_factory.mktemp("models")
    start = _tiny.siglip(folder / "start")
    encoder: Any = encoders.load(start)
    noise = torch.Generator().manual_seed(0)
    for name, value in encoder.module.state_dict().items():
        if name.startswith("text_model.encoder") and value.ndim == 2:
            value.add_(torch.randn(value.shape, generator=noise))
    return start, str(encoder.save(folder / "end"))


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "140")


def ran(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    """What the command line prints on standard output and on standard error."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    assert "Traceback" not in answer.err
    return answer.out, answer.err


def asked(models: tuple[str, str], out: Path, **changed: str) -> list[str]:
    """The call, with options changed."""
    options = {
        "--data": "scenes:test-8", "--language": "pt_BR", "--retain": "scenes:hard-6", "--retain-language": "en",
        "--alphas": "0.5,1", "--tolerance": "100", "--out": str(out), **changed,
    }  # fmt: skip
    return ["blend", *models, *(one for pair in options.items() for one in pair)]


def test_its_document_its_checkpoint_and_its_report(models: tuple[str, str], tmp_path: Path, capsys: Any) -> None:
    out, told = ran(capsys, *asked(models, tmp_path / "b"), "--json")
    document = json.loads(out)
    assert document["schema"] == 1
    assert (document["start"]["model"], document["end"]["model"]) == models
    assert [one["alpha"] for one in document["points"]] == [0.0, 0.5, 1.0]
    first = document["points"][0]
    assert (first["target"]["protocol"]["data"], first["target"]["protocol"]["language"]) == ("scenes:test-8", "pt-BR")
    assert (first["retain"]["protocol"]["data"], first["retain"]["protocol"]["gallery"]) == ("scenes:hard-6", 6)
    assert (document["tolerance"], document["metric"]) == (100.0, "hit_rate@1")
    assert encoders.load(document["checkpoint"]).dim == encoders.load(models[0]).dim
    assert document["out"] == str(tmp_path / "b")
    assert "fine-tune" in Path(document["report"]).read_text(encoding="utf-8")
    assert told.count("embed scenes:test-8: ") <= 2, "progress is told of the first model only"


def test_the_report_is_drawn_again_without_a_model(models: tuple[str, str], tmp_path: Path, capsys: Any) -> None:
    ran(capsys, *asked(models, tmp_path / "b"))
    (tmp_path / "b" / "report.html").unlink()
    out, _ = ran(capsys, "report", tmp_path / "b", "--lang", "pt", "--json")
    assert "Entre um modelo e seu ajuste" in Path(json.loads(out)["report"]).read_text(encoding="utf-8")


def test_people_read_a_line_for_every_alpha_and_what_was_chosen(
    models: tuple[str, str], tmp_path: Path, capsys: Any
) -> None:
    said = " ".join(ran(capsys, *asked(models, tmp_path / "b"))[0].split())
    assert "Target: scenes:test-8 (pt-BR), text to image" in said
    assert "Not to be forgotten: scenes:hard-6 (en), text to image" in said
    chosen = json.loads((tmp_path / "b" / "blend.json").read_text(encoding="utf-8"))["chosen"]
    assert f"α = {chosen:g} is chosen: the best on the target of those that lose at most 100 points" in said
    assert said.count("points chosen") == 1
    assert f"Checkpoint: {tmp_path / 'b' / 'checkpoint'}" in said
    assert f"Report: {tmp_path / 'b' / 'report.html'}" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--alphas": "0,half,1"}, "--alphas must be numbers from 0 to 1 with commas between them, not '0,half,1'"),
        ({"--alphas": "0,1.5"}, "alpha must be from 0 (the start) to 1 (the end), not 1.5"),
        ({"--tolerance": "-1"}, "tolerance must be 0 points or more, not -1"),
        ({"--data": "nowhere"}, "Nothing can be read from 'nowhere'"),
        ({"--retain": "scenes:valid"}, "validation"),
        ({"--retain-language": "de"}, "de"),
        ({"--device": "abacus"}, "abacus"),
    ],
)
def test_a_wrong_call_is_one_message(
    models: tuple[str, str], tmp_path: Path, capsys: Any, changed: dict[str, str], said: str
) -> None:
    out, error = ran(capsys, *asked(models, tmp_path / "b", **changed), code=2)
    assert said in error
    assert out == ""
    assert not (tmp_path / "b").exists()


def test_models_that_are_not_alike_and_encoders_without_weights_are_refused(
    models: tuple[str, str], tmp_path: Path, capsys: Any
) -> None:
    other = _tiny.clip(tmp_path / "clip")
    assert "cannot be blended" in ran(capsys, *asked((models[0], other), tmp_path / "b"), code=2)[1]
    assert "no weights to blend" in ran(capsys, *asked((models[0], "toy"), tmp_path / "b"), code=1)[1]


def test_the_folder_of_an_evaluation_is_not_taken(models: tuple[str, str], tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "results.json").write_text("{}")
    assert "give --out a folder of its own" in ran(capsys, *asked(models, tmp_path), code=2)[1]


def test_data_and_retain_must_be_given(models: tuple[str, str], tmp_path: Path, capsys: Any) -> None:
    _, error = ran(capsys, "blend", *models, "--data", "scenes:test-8", "--out", tmp_path, code=2)
    assert "--retain" in error


def test_it_has_json_and_help(capsys: Any) -> None:
    out, _ = ran(capsys, "blend", "--help")
    assert {"--json", "--alphas", "--tolerance", "--retain-language"} <= set(out.split())
