"""Inspection counts what is there and names what is wrong; a spoilt data set keeps every caption at its picture."""

import json
import random
from pathlib import Path

import pytest
from PIL import Image

from mirante.datasets import ReadOptions, describe, inspect, open_dataset, read_pairs
from mirante.errors import UnreadableImage
from mirante.messages import text
from mirante.pixels import REASONS, content_hash
from mirante.progress import listening


def paint(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), colour).save(path)


@pytest.fixture
def flawed(tmp_path):
    """Train: red, its copy (twins share a caption), green, a broken file. Test: red again, blue."""
    for name, colour in {
        "train/a": "red",
        "train/b": "red",
        "train/c": "green",
        "test/a": "red",
        "test/e": "blue",
    }.items():
        paint(tmp_path / f"{name}.png", colour)
    (tmp_path / "train/d.png").write_bytes((tmp_path / "train/c.png").read_bytes()[:50])
    texts = {
        "train/a": "Red\ntwin",
        "train/b": "red \ntwin",
        "train/c": "Plain\nred",
        "train/d": "broken",
        "test/e": "plain",
    }
    for name, caption in texts.items():
        (tmp_path / f"{name}.txt").write_text(caption)
    (tmp_path / "drawing.svg").write_text("<svg/>")
    return open_dataset(str(tmp_path))


def test_the_whole_document(flawed):
    assert json.loads(json.dumps(inspect(flawed).to_dict())) == {
        "schema": 1,
        "data": flawed.name,
        "revision": flawed.revision,
        "images": 6,
        "captions": 8,
        "uncaptioned": 1,
        "languages": {"": 8},
        "columns": {"image": "file", "text": "side-car .txt"},
        "duplicate_images": {"merged": 2, "groups": [["train/a.png", "train/b.png", "test/a.png"]]},
        "equal_captions": {
            "captions": 5,
            "groups": [
                {"text": "red", "images": ["train/a.png", "train/b.png", "train/c.png"]},
                {"text": "plain", "images": ["train/c.png", "test/e.png"]},
            ],
        },
        "unreadable": [{"id": "train/d.png", "reason": "truncated"}],
        "splits": {"train": {"images": 4, "captions": 7}, "test": {"images": 2, "captions": 1}},
        "leaks": [{"splits": ["train", "test"], "images": 1, "examples": [["train/a.png", "test/a.png"]]}],
        "ignored": {".svg": 1},
    }


def test_a_language_narrows_the_captions(flawed):
    assert inspect(flawed, "pt_BR").languages == {"pt-BR": 8}


def test_it_agrees_with_pairs(flawed):
    found, pairs = inspect(flawed), read_pairs(flawed)
    assert len(pairs.images) == found.images - found.merged
    assert len(pairs.captions) == found.captions


def test_progress_is_told(flawed):
    steps = []
    with listening(steps.append):
        inspect(flawed)
    assert [step.done for step in steps] == [1, 2, 3, 4, 1, 2]


def test_good_pictures_keep_their_captions_among_a_thousand_spoilt_ones(tmp_path):
    dice, rows = random.Random(7), []
    for n in range(1000):
        colour = (n % 256, n // 256, 77)
        path = tmp_path / f"{n}.png"
        paint(path, colour)
        if dice.random() < 0.5:
            data = path.read_bytes()
            path.write_bytes(data[: dice.randrange(len(data) - 24)])
            colour = None
        if dice.random() < 0.1:
            path.unlink()
            colour = None
        rows.append({"image": path.name, "text": f"the picture of {n}", "colour": str(colour)})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    outcomes = []
    for n, item in enumerate(open_dataset(str(tmp_path / "rows.jsonl"), ReadOptions(text_column="text")).items("all")):
        assert (item.picture.id, item.captions[0].text) == (str(n), f"the picture of {n}")
        try:
            outcomes.append(str(item.picture.load().getpixel((4, 4))))
        except UnreadableImage as error:
            outcomes.append("None" if error.reason in REASONS else error.reason)
    assert outcomes == [row["colour"] for row in rows]
    assert 300 < outcomes.count("None") < 700


def test_the_content_of_a_file_is_the_hash_of_its_bytes(flawed):
    first = next(flawed.items("test")).picture
    assert first.content == content_hash(Path(first.path).read_bytes())


def test_the_findings_in_words(flawed):
    assert describe(inspect(flawed), "en").splitlines() == [
        f"Data set: {flawed.name} (revision {flawed.revision})",
        "Pictures: 6; captions: 8",
        "  split train: pictures 4, captions 7",
        "  split test: pictures 2, captions 1",
        "Columns: image = file, text = side-car .txt",
        "Languages: not stated (8)",
        "Pictures without a caption: 1",
        "Pictures equal to an earlier one, which count once: 2, for instance train/a.png = train/b.png = test/a.png",
        "Captions that also describe another picture: 5; the most frequent: “red” (3 pictures)",
        "Pictures that cannot be read: 1",
        "  train/d.png: cut short",
        "Pictures in both train and test: 1. Measure on one of them only, or take them out.",
        "Left out: .svg (1)",
    ]
    assert "  train/d.png: arquivo incompleto" in describe(inspect(flawed), "pt_BR").splitlines()


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_words(reason):
    assert text(f"inspect.reason_{reason}", "pt")
