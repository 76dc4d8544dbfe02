"""Ids of rows: mapped where they were saved, with the changes since beside them."""

import json

import numpy as np
import pytest

from mirante.errors import StoreError
from mirante.indexes import _ids, create_index, open_index
from mirante.indexes._ids import Ids


def saved(ids, folder):
    folder.mkdir()
    ids.save(folder)
    return Ids.open(folder)


@pytest.fixture
def many(tmp_path):
    """`a0` … `a99`, saved and opened."""
    return saved(Ids([f"a{at}" for at in range(100)]), tmp_path / "many")


def test_numbers_are_found_by_id_and_ids_by_number(many):
    assert many.find(["a7", "a99", "a0", "a", "b", "a100", ""]) == [7, 99, 0, None, None, None, None]
    assert many.names([99, 0, 12]) == ["a99", "a0", "a12"]
    assert (many.total, len(many)) == (100, 100)


@pytest.mark.parametrize("one", ["", "é", "日本", "\U0001f600", "a b\n", "\udcff"])
def test_any_text_may_be_an_id(one, tmp_path):
    ids = saved(Ids(["z", one, "A"]), tmp_path / "ids")
    assert ids.find([one, "A", "z"]) == [1, 2, 0]
    assert ids.names([1]) == [one]


def test_few_and_many_are_found_alike(many, monkeypatch):
    wanted = ["a5", "nobody", "a50", "new"]
    many.extend(["new", "a5"])
    many.strike(["a50"])
    few = many.find(wanted)
    monkeypatch.setattr(_ids, "_MANY", 1)
    assert many.find(wanted) == few == [101, None, None, 100]
    assert many._table, "the dictionary was made"


def test_a_replaced_id_gets_a_new_number_and_may_go_and_come_again(many):
    many.extend(["a5"])
    assert (many.find(["a5"]), len(many), many.total) == ([100], 100, 101)
    assert many.strike(["a5", "a5", "nobody"]) == 1
    assert (many.find(["a5"]), len(many)) == ([None], 99)
    many.extend(["a5"])
    assert (many.find(["a5"]), len(many), many.total) == ([101], 100, 102)
    assert many.living().tolist() == [*range(5), *range(6, 100), 101]


def test_few_changes_are_written_beside_links_to_what_was_saved(many, tmp_path):
    many.extend(["new", "a5"])
    many.strike(["a50"])
    again = saved(many, tmp_path / "again")
    assert (tmp_path / "again" / "ids-text.npy").samefile(tmp_path / "many" / "ids-text.npy")
    assert json.loads((tmp_path / "again" / "changes.json").read_text()) == {"new": ["new", "a5"], "struck": [5, 50]}
    assert again.find(["new", "a5", "a50", "a51"]) == [100, 101, None, 51]
    assert (len(again), again.total, again.names([101])) == (100, 102, ["a5"])
    again.strike(["new"])
    third = saved(again, tmp_path / "third")
    assert third.find(["new", "a5"]) == [None, 101]
    assert len(third) == 99


def test_many_changes_are_written_into_the_files(many, tmp_path):
    many.strike([f"a{at}" for at in range(0, 40, 2)])
    again = saved(many, tmp_path / "again")
    assert not (tmp_path / "again" / "changes.json").exists()
    assert again.find(["a0", "a1", "a38", "a40"]) == [None, 1, None, 40]
    assert (len(again), again.total) == (80, 100)
    assert again.living().tolist()[:4] == [1, 3, 5, 7]
    again.strike(["a1"])
    assert len(saved(again, tmp_path / "third")) == 79


def test_an_index_of_the_former_format_is_read_and_written_anew(tmp_path):
    """Before, `ids.json` held one list, null for a row struck out."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    np.save(before / "vectors.npy", np.array([[1, 0], [0, 1], [-1, 0]], np.float32))
    (before / "ids.json").write_text('["east", null, "west"]', encoding="utf-8")
    index = open_index("exact", before)
    assert index.search(np.array([[0, 1]], np.float32), 3)[0] == [["west", "east"]]
    index.save(after)
    assert open_index("exact", after).search(np.array([[1, 0]], np.float32), 1)[0] == [["east"]]
    assert not (after / "ids.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("changes.json", "{", "cannot be read"),
        ("changes.json", "[]", "is damaged"),
        ("changes.json", '{"new": [1], "struck": []}', "is damaged"),
        ("ids-order.npy", "", "cannot be read"),
    ],
)
def test_damage_is_named(name, content, message, tmp_path):
    index = create_index("exact", 2)
    index.add(["a"], np.array([[1, 0]], np.float32))
    index.save(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(StoreError, match=message):
        open_index("exact", tmp_path)


def test_files_that_do_not_agree_are_named(tmp_path):
    index = create_index("exact", 2)
    index.add(["a"], np.array([[1, 0]], np.float32))
    index.save(tmp_path)
    np.save(tmp_path / "ids-text.npy", np.zeros(3, np.uint8))
    with pytest.raises(StoreError, match="do not agree with each other"):
        open_index("exact", tmp_path)
