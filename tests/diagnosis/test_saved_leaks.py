"""What an evaluation keeps of its leaks, and what it reads again."""

import json
from pathlib import Path

import pytest
from PIL import Image
from spoilt_pictures import scenes, shown

from mirante.diagnosis import Leak, Leaks
from mirante.diagnosis.saved import Look, load_looks, picture_file, save_looks, save_pictures
from mirante.errors import StoreError, UnreadableImage
from mirante.evaluation import SavedResults
from mirante.pixels import read_file
from mirante.types import Picture

LEAKS = Leaks("learnt", "measured", (Leak("a0", "k1", "near copy"),), 2, 3, frozenset({"c"}))


def saved(folder: Path) -> SavedResults:
    return SavedResults(folder, (), {})


def test_looks_come_back_as_they_were(tmp_path: Path) -> None:
    looks = (Look(("m",), LEAKS), Look(("n",), LEAKS, problem="gone"))
    assert save_looks(tmp_path, looks, saved(tmp_path)) == looks
    assert load_looks(tmp_path) == looks


def test_nothing_is_kept_where_nobody_looked(tmp_path: Path) -> None:
    save_looks(tmp_path, [Look(("m",), LEAKS)], saved(tmp_path))
    assert save_looks(tmp_path, [], saved(tmp_path)) == ()
    assert load_looks(tmp_path) == ()
    assert not (tmp_path / "leaks.json").exists()


@pytest.mark.parametrize("content", ["{", '{"schema": 2, "leaks": []}', '{"schema": 1, "leaks": [{}]}', "[]"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "leaks.json").write_text(content)
    with pytest.raises(StoreError, match="evaluate again"):
        load_looks(tmp_path)


def test_pictures_of_both_sides_are_kept_although_their_ids_are_equal(tmp_path: Path) -> None:
    images = scenes("test-2")
    leaks = Leaks("learnt", "measured", (Leak("p0", "p0", "near copy"),), 2, 2, frozenset())
    save_pictures(tmp_path, leaks, shown(images[:1], "p"), shown(images[1:], "p"))
    known, asked = (picture_file(tmp_path, data, "p0") for data in ("learnt", "measured"))
    assert known != asked
    assert [read_file(one).size for one in (known, asked)] == [(128, 128)] * 2


def test_a_picture_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    def refuse() -> Image.Image:
        raise UnreadableImage("truncated", "cut short")

    leaks = Leaks("learnt", "measured", (Leak("a", "k", "equal"),), 1, 1, frozenset())
    save_pictures(tmp_path, leaks, [Picture("k", "k", refuse)], [Picture("a", "a", refuse)])
    assert list(tmp_path.iterdir()) == []


def test_the_document_is_plain_json() -> None:
    document = json.loads(json.dumps(Look(("m",), LEAKS).to_dict()))
    assert document["pairs"] == [{"asked": "a0", "known": "k1", "reason": "near copy"}]
    assert (document["models"], document["touched"], document["problem"], document["figures"]) == (["m"], ["c"], "", [])
