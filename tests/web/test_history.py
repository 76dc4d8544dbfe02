"""Past runs: an evaluation of the toy encoder on a dozen scenes, and trainings written by hand."""

import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirante import encoders
from mirante.errors import UsageError
from mirante.web.history import listed, opened, past
from mirante.web.measuring import Order, downloads, look, measure, models_at_hand


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        made = measure(Order("scenes:test-12", language="en", models=("toy",)), folder, "en", encoders.load)
    made.rename(folder / "dozen")
    train(folder / "old" / "slow", [4.0, 3.0], after=None)
    train(folder / "fast", [4.0, 1.5, 1.0], after=0.5)
    return folder


def train(folder: Path, losses: list[float], after: float | None) -> None:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"config": {"data": {"address": "scenes:train-64"}}}))
    lines = [json.dumps({"step": 10 * at, "loss": loss, "hours": 0.5}) for at, loss in enumerate(losses, 1)]
    (folder / "log.jsonl").write_text("\n".join([*lines, '{"step": 40, "lo']))
    for name, value in (("before", 0.125), ("after", after)):
        if value is not None:
            metrics = {"hit_rate@1": {"value": value, "low": 0, "high": 1}}
            (folder / f"{name}.json").write_text(json.dumps({"target": {"metrics": metrics}, "retain": None}))


def rows(html: str) -> dict[str, list[str]]:
    """First cell → the others, without marks."""
    found = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', html, re.DOTALL)
    return {name: [re.sub("<.*?>", " ", one).strip() for one in re.findall("<td>(.*?)</td>", cells)]
            for name, cells in found}  # fmt: skip


def test_every_run_is_listed_by_its_path(runs: Path) -> None:
    assert {one.name: one.measured for one in past(runs)} == {"dozen": True, "old/slow": False, "fast": False}
    shown = rows(listed(runs, "en"))
    assert shown["fast"][:3] == ["training", "scenes:train-64", "50.0%"]
    assert shown["dozen"][:2] == ["evaluation", "scenes:test-12: toy"]
    assert rows(listed(runs, "pt"))["old/slow"][:3] == ["treinamento", "scenes:train-64", "—"]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert "Nothing was evaluated or trained" in listed(tmp_path, "en")


def test_a_damaged_run_is_named_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "results.json").write_text("{")
    train(tmp_path / "good", [2.0, 1.0], after=None)
    shown = rows(listed(tmp_path, "en"))
    assert shown["bad"][1].startswith("damaged:")
    assert shown["good"][1] == "scenes:train-64"
    assert "This cannot be opened." in opened(tmp_path, ["bad"], "en")


def test_trainings_are_compared_with_their_losses(runs: Path) -> None:
    html = opened(runs, ["fast", "old/slow"], "en")
    assert rows(html)["fast"] == ["scenes:train-64", "30", "1.000", "30 min", "12.5%", "50.0%"]
    assert rows(html)["old/slow"] == ["scenes:train-64", "20", "3.000", "30 min", "12.5%", "—"]
    assert html.count("<polyline") == 2
    assert "Running loss by step: fast and old/slow" in html


def test_the_lowest_loss_is_drawn_lowest(runs: Path) -> None:
    (points,) = re.findall(r'<polyline points="(.*?)"', opened(runs, ["fast"], "en"))
    heights = [float(one.split(",")[1]) for one in points.split()]
    assert heights == sorted(heights), "down the drawing is a greater y"
    assert heights[0] == 10


def test_an_evaluation_shows_intervals_advice_and_its_report(runs: Path) -> None:
    html = opened(runs, ["dozen"], "en")
    first = rows(html)["toy"]
    assert re.fullmatch(r"\d+\.\d%\s+\d+\.\d–\d+\.\d", first[0])
    assert "scenes:test-12 · English" in html
    assert '<section class="advice" aria-label="Advice">' in html
    assert '<iframe title="Report: plots, failures, conditions" sandbox srcdoc="&lt;!doctype' in html.replace(
        "&lt;!DOCTYPE", "&lt;!doctype"
    )
    assert "Recomendação" in opened(runs, ["dozen"], "pt")


def test_only_listed_runs_are_opened(runs: Path) -> None:
    assert opened(runs / "old", ["../dozen", "/etc"], "en") == ""


def test_what_is_taken_away_holds_the_runs(runs: Path) -> None:
    files = {Path(one).name: Path(one) for one in downloads(runs / "dozen")}
    assert {"report.html", "advice.html", "results.json", "runs.zip"} <= set(files)
    assert any(name.endswith(".trec") for name in zipfile.ZipFile(files["runs.zip"]).namelist())


def test_data_is_looked_at_with_its_splits() -> None:
    found = look(Order("scenes:test-12"))
    assert (found.images, list(found.splits)) == (12, ["test-12"])
    assert look(Order("scenes:validation-3", splits=("test-4",))).images == 4, "chosen splits count before named ones"


def test_an_order_without_data_or_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No data was named"):
        look(Order("  "))
    with pytest.raises(UsageError, match="No model was chosen"):
        measure(Order("scenes:test-12"), tmp_path, "en", encoders.load)
    assert list(tmp_path.iterdir()) == []


def test_trained_models_can_be_chosen(runs: Path) -> None:
    (runs / "fast" / "checkpoint").mkdir()
    (runs / "fast" / "checkpoint" / "config.json").write_text("{}")
    assert models_at_hand(runs, ("toy", "scenes")) == ["toy", "scenes", str(runs / "fast" / "checkpoint")]
