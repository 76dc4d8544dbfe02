"""`evaluate` says what a model has learnt from before it prints a number; a run refuses near copies of its pictures."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mirante import pipeline
from mirante.datasets import open_dataset
from mirante.diagnosis.saved import load_looks
from mirante.errors import DataError
from mirante.evaluation import Preset
from mirante.sources import read
from mirante.training.config import Data
from mirante.training.data import open_sets
from mirante.training.near import near_copies
from mirante.training.origin import learnt_from

WORDS = ("a red star", "two blue fish", "a green car", "a house at night", "three birds", "a cup")


def folder(path: Path, images: list[Image.Image], kind: str = "png") -> str:
    """A folder of pictures `0.png` … with side-cars."""
    path.mkdir(parents=True)
    for number, image in enumerate(images):
        image.save(path / f"{number}.{kind}")
        (path / f"{number}.txt").write_text(WORDS[number % len(WORDS)])
    return str(path)


def drawn(split: str) -> list[Image.Image]:
    return [item.picture.load() for item in open_dataset("scenes").items(split, "en")]


@pytest.fixture
def learnt(tmp_path: Path) -> str:
    return folder(tmp_path / "learnt", drawn("train-6"))


@pytest.fixture
def measured(tmp_path: Path) -> str:
    """Six new scenes; the second is a cropped JPEG of the fourth learnt one."""
    images = drawn("test-6")
    images[1] = drawn("train-6")[3].crop((2, 2, 124, 124))
    return folder(tmp_path / "measured", images, "jpg")


def evaluated(measured: str, out: Path, model: str = "toy", *trained_on: str) -> tuple[Any, ...]:
    sources = tuple(pipeline.Source(address) for address in trained_on)
    pipeline.run(pipeline.Job((pipeline.Source(measured),), (model,), out, "en", trained_on=sources))
    return load_looks(out)


def test_what_the_user_says_was_learnt_from(learnt: str, measured: str, tmp_path: Path) -> None:
    (look,) = evaluated(measured, tmp_path / "out", "toy", learnt)
    assert [(one.asked, one.known, one.reason) for one in look.leaks.pairs] == [("1.jpg", "3.png", "near copy")]
    assert look.leaks.touched == {"1.jpg#0"}
    assert [(one.direction, one.queries, one.touched) for one in look.figures] == [
        ("text_to_image", 6, 1),
        ("image_to_text", 6, 1),
    ]
    figures = look.figures[0]
    hits = figures.metrics["hit_rate@1"].value * 6
    assert figures.without["hit_rate@1"].value * 5 in (pytest.approx(hits), pytest.approx(hits - 1))
    assert len(list((tmp_path / "out/leaks").iterdir())) == 2


def test_the_report_shows_the_pair_and_both_figures(learnt: str, measured: str, tmp_path: Path) -> None:
    evaluated(measured, tmp_path / "out", "toy", learnt)
    page = (tmp_path / "out/report.html").read_text()
    assert "1 are among those of" in page
    assert page.index('id="leaks"') < page.index('id="summary"')
    assert page.count('<span class="reason">near copy</span>') == 1
    assert "1 of 6" in page


def test_another_protocol_keeps_the_leaks(learnt: str, measured: str, tmp_path: Path) -> None:
    (before,) = evaluated(measured, tmp_path / "out", "toy", learnt)
    pipeline.again(tmp_path / "out", Preset(depth=3), tmp_path / "other", "pt")
    (after,) = load_looks(tmp_path / "other")
    assert after.leaks == before.leaks
    assert "VAZAMENTO" in (tmp_path / "other/report.html").read_text()


def test_nothing_is_said_where_nothing_is_known(measured: str, tmp_path: Path) -> None:
    assert evaluated(measured, tmp_path / "out") == ()
    assert 'id="leaks"' not in (tmp_path / "out/report.html").read_text()


def test_drawn_data_is_compared_by_content_alone(tmp_path: Path) -> None:
    (look,) = evaluated("scenes:test-8", tmp_path / "out", "toy", "scenes:test-3")
    assert (look.leaks.near, len(look.leaks.images), look.leaks.count("equal")) == (False, 3, 3)


def run_of(path: Path, **data: object) -> str:
    """A checkpoint folder as `mirante train` leaves it, without its weights."""
    (path / "checkpoint").mkdir(parents=True)
    (path / "run.json").write_text(json.dumps({"config": {"data": data}}))
    return str(path / "checkpoint")


def test_a_checkpoint_says_what_it_learnt_from(learnt: str, tmp_path: Path) -> None:
    origin = learnt_from(run_of(tmp_path / "run", address=learnt, validation="gone:away", limit=4))
    assert origin is not None
    assert (origin.name, origin.distinct, origin.problem) == (learnt, False, "")
    assert [one.id for one in origin.pictures] == ["0.png", "1.png", "2.png", "3.png"]


def test_what_was_held_out_was_not_learnt_from(learnt: str, tmp_path: Path) -> None:
    origin = learnt_from(run_of(tmp_path / "run", address=learnt, hold_out=0.5))
    assert origin is not None
    assert len(origin.pictures) == 3


def test_training_data_that_is_gone_is_said(tmp_path: Path) -> None:
    origin = learnt_from(run_of(tmp_path / "run", address=str(tmp_path / "gone")))
    assert origin is not None
    assert "gone" in origin.problem
    damaged = learnt_from(run_of(tmp_path / "other", unknown=1))
    assert damaged is not None
    assert "run.json cannot be read" in damaged.problem


def test_other_models_say_nothing(tmp_path: Path) -> None:
    assert learnt_from("scenes") is None
    assert learnt_from(str(tmp_path)) is None


def test_near_copies_are_refused_before_a_run(learnt: str, measured: str) -> None:
    data = Data(learnt, validation=measured)
    with pytest.raises(DataError, match=r"1 of the 6 pictures of validation = .* first '1.jpg' of '3.png'"):
        near_copies(data, open_sets(data))


def test_near_copies_can_be_allowed_and_are_counted(learnt: str, measured: str) -> None:
    data = Data(learnt, retain=measured, near_copies="allow")
    (leaks,) = near_copies(data, open_sets(data))
    assert (leaks.images, leaks.known) == (("1.jpg",), learnt)
    assert near_copies(Data(learnt, retain=measured, near_copies="skip"), open_sets(data)) == ()


def test_few_near_copies_are_no_reason_to_refuse(learnt: str, measured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mirante.training.near.SHARE", 0.2)
    data = Data(learnt, validation=measured)
    assert [one.count("near copy") for one in near_copies(data, open_sets(data))] == [1]


def test_drawn_pictures_are_not_compared() -> None:
    data = Data("scenes:train-4", validation="scenes:test-4")
    assert near_copies(data, open_sets(data)) == ()


def test_fingerprints_of_many_pictures_are_made_once(
    learnt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mirante.training import prints

    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(prints, "_FEW", 2)
    pictures = open_sets(Data(learnt)).batches.pictures
    first = prints.fingerprints(pictures)
    monkeypatch.setattr(prints, "fingerprint", None)
    again = prints.fingerprints(pictures)
    assert (again.ids, again.contents) == (first.ids, first.contents)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(b"damaged")
    monkeypatch.undo()
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(prints, "_FEW", 2)
    assert prints.fingerprints(pictures).ids == first.ids


def test_pictures_that_a_protocol_leaves_out_are_not_looked_at(tmp_path: Path) -> None:
    images, fifth = drawn("test-20"), Preset(fraction=0.2, seed=42)
    both = pipeline.Source(folder(tmp_path / "both", images))
    asked = {image.id for image in fifth.choose(read(both)).images}
    rest = [image for number, image in enumerate(images) if f"{number}.png" not in asked]
    learnt_from_rest = (pipeline.Source(folder(tmp_path / "rest", rest)),)
    pipeline.run(pipeline.Job((both,), ("toy",), tmp_path / "out", "en", protocol=fifth, trained_on=learnt_from_rest))
    (look,) = load_looks(tmp_path / "out")
    assert (look.leaks.pairs, look.leaks.pictures) == ((), 4)
