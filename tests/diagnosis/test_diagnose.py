"""One call names everything; each finding says by which id."""

import json
from pathlib import Path

import pytest
from spoilt_pictures import blank, cropped, jpeg, scenes, told

from mirante.datasets import open_dataset
from mirante.diagnosis import diagnose
from mirante.diagnosis.examine import examine, is_distinct
from mirante.diagnosis.words import describe
from mirante.types import Caption, Pairs

SOME = scenes("test-6")
ENGLISH = ["a dog on the beach", "two cats in the house", "the red car", "a man with a hat"]


def test_the_document_of_a_diagnosis() -> None:
    texts = [*ENGLISH, "um gato na casa", "['a star', 'a red star']"]
    found = diagnose(told([*SOME[:5], jpeg(cropped(SOME[2]))], texts))
    assert json.loads(json.dumps(found.to_dict())) == {
        "data": "told",
        "pictures": 6,
        "captions": 6,
        "lengths": {"least": 3, "median": 5.0, "high": 5.0, "most": 5, "long": 0},
        "languages": {"en": 5, "pt": 1},
        "foreign_captions": [{"caption": "p4#0", "text": "um gato na casa", "guessed": "pt", "expected": "en"}],
        "repeated_captions": [],
        "list_captions": [{"caption": "p5#0", "text": "['a star', 'a red star']", "parted": False}],
        "class_like": {"pictures": 6, "texts": 6, "found": False},
        "near_duplicates": [["p2", "p5"]],
        "agreement": {},
    }
    assert found.duplicates == (("p2", "p5"),)


def test_without_pictures_nothing_is_loaded() -> None:
    found = diagnose(told([blank()] * 2, ["a dog", "a cat"]), pictures=False)
    assert found.copies is None
    assert found.to_dict()["near_duplicates"] is None


def spoken(tags: list[str], texts: list[str]) -> Pairs:
    plain = told([blank()] * len(texts), texts)
    captions = tuple(Caption(one.id, one.text, tag) for one, tag in zip(plain.captions, tags, strict=True))
    return Pairs(plain.images, captions, plain.relevance)


@pytest.mark.parametrize(
    ("tags", "foreign"),
    [
        (["en", "en", "en", "pt-BR"], []),
        (["en", "en", "en", "en"], ["p3#0"]),
        (["", "", "", ""], ["p3#0"]),
        (["", "", "", "pt"], []),
        (["nl", "nl", "nl", "nl"], []),
    ],
)
def test_a_caption_is_foreign_to_what_it_declares_else_to_the_rest(tags: list[str], foreign: list[str]) -> None:
    found = diagnose(spoken(tags, [*ENGLISH[:3], "um gato na casa"]), pictures=False)
    assert [one.caption for one in found.foreign] == foreign


def test_where_two_languages_are_equally_frequent_neither_is_foreign() -> None:
    texts = [*ENGLISH[:2], "um gato na casa", "uma estrela no céu"]
    assert diagnose(told([blank()] * 4, texts), pictures=False).foreign == ()


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """Two splits: test/b is a copy of train/a; captions are a list, English, and Portuguese."""
    for name, image in {"train/a": SOME[0], "train/c": SOME[1], "test/b": cropped(SOME[0]), "test/d": SOME[3]}.items():
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        image.save(path)
    rows = {
        "train/a.png": "['a dog on the beach', 'the dog']",
        "train/c.png": ENGLISH[1],
        "test/b.png": ENGLISH[2],
        "test/d.png": "um gato na casa",
    }
    lines = (json.dumps({"file_name": name, "text": text}) for name, text in rows.items())
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_an_examination_compares_splits_and_knows_lists_that_were_parted(spoilt: Path) -> None:
    found = examine(open_dataset(str(spoilt)))
    document = found.to_dict()
    assert document["near_leaks"] == [
        {"splits": ["train", "test"], "images": 1, "pairs": (("train/a.png", "test/b.png"),)}
    ]
    assert document["diagnosis"]["list_captions"] == [
        {"caption": "train/a.png#0", "text": "a dog on the beach", "parted": True},
        {"caption": "train/a.png#1", "text": "the dog", "parted": True},
    ]
    assert document["leaks"] == []
    assert [one["caption"] for one in document["diagnosis"]["foreign_captions"]] == ["test/d.png#0"]


def test_the_examination_in_words(spoilt: Path) -> None:
    found = examine(open_dataset(str(spoilt)))
    assert list(describe(found, "en")) == [
        "Words per caption: 2 to 5, half at most 4, 95% at most 5",
        "Languages as the texts read: en (4), pt (1)",
        "Captions in another language than the rest, or than they declare: 1",
        "  test/d.png#0 [pt] um gato na casa",
        "Captions from lists that were written as one text: 2, of which 2 were read as captions of their own. "
        "Mend the file all the same: other tools take the list for one query.",
        "  train/a.png#0 a dog on the beach",
        "  train/a.png#1 the dog",
        "Near copies (re-encoded, scaled or cropped) of pictures of train in test: 1. Measure without them.",
        "  train/a.png ≈ test/b.png",
        "Near copies of another picture of the data set: 1",
        "  train/a.png ≈ test/b.png",
    ]
    assert "  test/d.png#0 [pt] um gato na casa" in list(describe(found, "pt_BR"))


def test_drawn_data_vouches_for_itself() -> None:
    assert is_distinct(open_dataset("scenes:test-4"))
    assert examine(open_dataset("scenes:test-4")).diagnosis.copies is None
