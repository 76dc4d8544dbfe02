"""A gallery on disk: what it holds, what it finds, what it refuses, and how it changes."""

import json
import sqlite3
import threading

import numpy as np
import pytest

from mirante.errors import DataError, ModelMismatch, StoreError, UnknownName, UsageError
from mirante.search import Entry, Gallery, Hit
from mirante.types import Embeddings, Provenance
from real_engines import CASES, FILES

MODEL = Provenance("toy", "r1", "p1", "data-1")
EAST, NORTH, WEST, SOUTH = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]
DOG = Entry("dog", ("a dog", "um cão"), {"year": 1999, "winter": True, "size": 0.1}, "pictures/dog.png")
CAT = Entry("cat", ("a cat",), {"year": 2001, "winter": False, 'artist\'s "own"': "Ana"})
SUN = Entry("sun")


def embeddings(provenance=MODEL, **rows):
    return Embeddings(tuple(rows), np.array(list(rows.values()), np.float32).reshape(len(rows), -1), provenance)


def vector(row):
    return np.array(row, np.float32)


@pytest.fixture(params=[*FILES, *CASES])
def gallery(request, located, tmp_path):
    rows = embeddings(dog=EAST, cat=NORTH, sun=WEST)
    return Gallery.create(tmp_path / "index", located(request.param), rows, [SUN, CAT, DOG])


@pytest.fixture
def exact(tmp_path):
    return Gallery.create(tmp_path / "index", "exact", embeddings(dog=EAST, cat=NORTH, sun=WEST), [DOG, CAT, SUN])


def found(gallery, row, k=10, **where):
    return [hit.id for hit in gallery.search(vector(row), k, where)]


def test_hits_carry_what_is_shown(gallery):
    assert gallery.search(vector([0.8, 0.6]), 2) == [
        Hit("dog", pytest.approx(0.8), ("a dog", "um cão"), {"year": 1999, "winter": True, "size": 0.1}, DOG.path),
        Hit("cat", pytest.approx(0.6), ("a cat",), {"year": 2001, "winter": False, 'artist\'s "own"': "Ana"}, None),
    ]


def test_rows_are_told_by_id_and_unknown_ids_are_left_out(gallery):
    gallery.delete(["cat"])
    told = gallery.embeddings(["sun", "cat", "nobody", "dog", "sun"])
    assert told.ids == ("sun", "dog")
    assert told.provenance == MODEL
    np.testing.assert_array_equal(told.vectors, vector([WEST, EAST]))


def test_a_hit_as_json_has_an_uncalibrated_relevance(exact):
    document = exact.search(vector(EAST), 1)[0].to_dict()
    assert json.loads(json.dumps(document)) == {
        "id": "dog",
        "score": 1.0,
        "relevance": None,
        "captions": ["a dog", "um cão"],
        "metadata": {"year": 1999, "winter": True, "size": 0.1},
        "path": "pictures/dog.png",
    }


def test_one_file_says_what_is_held_and_which_model_opens_it(gallery):
    document = json.loads((gallery.folder / "index.json").read_text(encoding="utf-8"))
    assert document["schema"] == 1
    assert document["kind"] == gallery.kind
    assert document["holds"] == gallery.holds == "images"
    assert (document["count"], document["dim"]) == (len(gallery), gallery.dim) == (3, 2)
    assert document["provenance"] == {
        "model": "toy",
        "revision": "r1",
        "preprocessing": "p1",
        "data": "data-1",
        "parts": 1,
    }
    assert gallery.provenance == MODEL
    assert document["versions"]["numpy"] == np.__version__
    assert document["created"].endswith("+00:00")
    assert sorted(path.name for path in gallery.folder.iterdir()) == [".lock", document["generation"], "index.json"]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"year": "1999"}, ["dog"]),
        ({"winter": "true"}, ["dog"]),
        ({"winter": "False"}, ["cat"]),
        ({"size": "0.1"}, ["dog"]),
        ({'artist\'s "own"': "Ana"}, ["cat"]),
        ({"year": "1999", "winter": "true"}, ["dog"]),
        ({"year": "1999", "winter": "false"}, []),
        ({"year": "1998"}, []),
        ({}, ["dog", "cat", "sun"]),
    ],
)
def test_filters_compare_as_text(exact, where, ids):
    assert found(exact, EAST, **where) == ids


def test_an_unknown_field_is_answered_with_the_fields(exact):
    with pytest.raises(UnknownName, match=r"Unknown metadata field 'yaer'\. Did you mean 'year'\?.*size.*winter"):
        exact.search(vector(EAST), 1, {"yaer": "1999"})
    assert exact.fields == ('artist\'s "own"', "size", "winter", "year")


def test_add_replaces_and_delete_removes_and_both_last(gallery):
    gallery.add(embeddings(dog=SOUTH, new=EAST), [Entry("dog", ("a wet dog",)), Entry("new", (), {"year": 7})])
    gallery.delete(["sun", "sun"])
    for one in (gallery, Gallery.open(gallery.folder)):
        assert len(one) == 3
        assert found(one, EAST) == ["new", "dog", "cat"]
        assert found(one, EAST, year="7") == ["new"]
        assert one.search(vector(SOUTH), 1)[0].captions == ("a wet dog",)
    assert len(list(gallery.folder.glob("generation-*"))) == 1


def test_a_gallery_may_be_emptied_and_filled_again(gallery):
    gallery.delete(["dog", "cat", "sun"])
    assert (len(gallery), found(gallery, EAST)) == (0, [])
    gallery.add(embeddings(dog=EAST), [DOG])
    assert found(Gallery.open(gallery.folder), EAST) == ["dog"]


def test_an_empty_gallery_can_be_made(tmp_path):
    none = Embeddings((), np.empty((0, 2), np.float32), MODEL)
    assert found(Gallery.create(tmp_path, "exact", none, []), EAST) == []


def test_a_gallery_of_texts_is_made_the_same_way(tmp_path):
    made = Gallery.create(tmp_path, "exact", embeddings(t1=EAST), [Entry("t1", ("a dog",))], holds="texts")
    assert made.holds == Gallery.open(tmp_path).holds == "texts"
    assert made.search(vector(EAST), 1)[0].captions == ("a dog",)


def test_creating_again_replaces_the_gallery(exact):
    Gallery.create(exact.folder, "faiss-flat", embeddings(one=[1.0, 0.0, 0.0]), [Entry("one")])
    again = Gallery.open(exact.folder)
    assert (again.kind, len(again), again.dim) == ("faiss-flat", 1, 3)
    assert found(exact, EAST, 1) == ["dog"], "who has it open goes on reading the old state"


@pytest.mark.parametrize("other", [Provenance("toy2", "r2", "p1"), Provenance("toy", "r2", "p1")])
def test_rows_of_another_model_are_refused(exact, other):
    with pytest.raises(ModelMismatch, match="made by 'toy"):
        exact.add(embeddings(other, new=EAST), [Entry("new")])
    assert len(exact) == 3


def test_the_same_weights_under_another_name_are_welcome(exact):
    exact.add(embeddings(Provenance("/models/toy", "r1", "p1"), new=EAST), [Entry("new")])
    assert len(exact) == 4


@pytest.mark.parametrize(
    ("rows", "entries", "message"),
    [
        ({"a": EAST, "b": NORTH}, [Entry("a")], "1 ids have no entry, first 'b'"),
        ({"a": EAST}, [Entry("a"), Entry("b")], "1 ids have no embedding, first 'b'"),
        ({"a": EAST}, [Entry("a"), Entry("a")], "Entry 'a' occurs twice"),
        ({"a": [3.0, 4.0]}, [Entry("a")], "not of length 1"),
        ({"a": [1.0, 0.0, 0.0]}, [Entry("a")], "rows of width 2"),
        ({"a": EAST}, [Entry("a", (), {"x": [1]})], r"field 'x' of 'a' is \[1\]"),
        ({"a": EAST}, [Entry("a", (), {"x": float("nan")})], "field 'x' of 'a' is nan"),
        ({"a\0b": EAST}, [Entry("a\0b")], "zero character"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(exact, rows, entries, message):
    before = exact.manifest
    with pytest.raises(DataError, match=message):
        exact.add(embeddings(**rows), entries)
    assert Gallery.open(exact.folder).manifest == exact.manifest == before
    assert found(exact, EAST) == ["dog", "cat", "sun"]
    assert len(list(exact.folder.glob("generation-*"))) == 1


def test_deleting_an_unknown_id_deletes_nothing(exact):
    with pytest.raises(UsageError, match="1 of 2 ids to delete are not in the gallery, first 'dgo'"):
        exact.delete(["cat", "dgo"])
    assert len(exact) == 3


def test_wrong_searches_are_refused(exact):
    with pytest.raises(DataError, match=r"one vector \(d,\), not \(1, 2\)"):
        exact.search(vector([EAST]), 1)
    with pytest.raises(DataError, match="rows of width 2"):
        exact.search(vector([1.0, 0.0, 0.0]), 1)
    with pytest.raises(UsageError, match="at least 1 result, not 0"):
        exact.search(vector(EAST), 0)


def test_an_unknown_kind_makes_nothing(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'exact'"):
        Gallery.create(tmp_path / "index", "exactly", embeddings(dog=EAST), [DOG])
    assert not (tmp_path / "index").exists()


def test_two_who_change_one_gallery_do_not_lose_each_others_work(exact):
    other = Gallery.open(exact.folder)
    other.delete(["cat"])
    with pytest.raises(StoreError, match=r"changed by another process.*open it again"):
        exact.add(embeddings(new=EAST), [Entry("new")])
    assert found(exact, EAST) == ["dog", "cat", "sun"]
    assert found(Gallery.open(exact.folder), EAST) == ["dog", "sun"]


def test_threads_search_while_one_changes(exact):
    wrong, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            ids = found(exact, EAST)
            if ids[0] != "dog" or len(ids) not in (3, 4):
                wrong.append(ids)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        exact.add(embeddings(new=NORTH), [Entry("new")])
        exact.delete(["new"])
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def edit(folder, **changes):
    file = folder / "index.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder, inside: (folder / "index.json").unlink(), "holds no index"),
        (lambda folder, inside: (folder / "index.json").write_text("{"), "cannot be read"),
        (lambda folder, inside: (folder / "index.json").write_text("[]"), "not the description of an index"),
        (lambda folder, inside: edit(folder, schema=2), "version 2 of the index format, this version reads 1"),
        (lambda folder, inside: edit(folder, holds="songs"), "damaged"),
        (lambda folder, inside: edit(folder, count=4), "4 rows of width 2 are announced, 3 of 2 and 3 entries found"),
        (lambda folder, inside: (inside / "vectors.npy").unlink(), "cannot be read"),
        (lambda folder, inside: (inside / "ids-ends.npy").write_text("["), "cannot be read"),
        (lambda folder, inside: (inside / "catalogue.sqlite").unlink(), "catalogue .* cannot be read"),
        (lambda folder, inside: (inside / "catalogue.sqlite").write_bytes(b"x" * 5000), "catalogue .* cannot be read"),
    ],
)
def test_damage_is_named(exact, damage, message):
    damage(exact.folder, exact.folder / exact.manifest.generation)
    with pytest.raises(StoreError, match=message):
        Gallery.open(exact.folder)


def test_the_catalogue_is_an_ordinary_sqlite_file(exact):
    connection = sqlite3.connect(exact.folder / exact.manifest.generation / "catalogue.sqlite")
    rows = connection.execute("SELECT id, captions, path FROM entries WHERE metadata ->> '$.year' = 1999").fetchall()
    connection.close()
    assert rows == [("dog", '["a dog", "um cão"]', "pictures/dog.png")]
