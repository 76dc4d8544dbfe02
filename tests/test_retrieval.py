"""A first stage by vectors, then re-rankers on the first answers: what changes places, what does not, what is told.

The gallery holds five pictures of plain colours by the toy encoder, whose rows are exact: "red and blue" is as near to
red as to blue (0.707), and 0 from the rest; equal scores stand in descending order of ids.
"""

import os
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image
import pytest

from mirante.encoders import load
from mirante.errors import ModelError, ModelMismatch, UnreadableImage, UsageError
from mirante.retrieval import Found, pictures_of, retrieve, retrieve_each
from mirante.search import Calibration, Entry, Gallery, search
from mirante.search.calibration import Curve, Terms
from mirante.types import Embeddings, Item, Picture, Provenance, Query, Term

COLOURS = ("blue", "green", "pink", "red", "white")
FIRST = ["red", "blue", "white", "pink", "green"]


@pytest.fixture(scope="module")
def encoder():
    return load("toy")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def gallery(tmp_path, encoder):
    """Each entry's file is a picture of its colour; green's is missing."""
    for one in COLOURS:
        if one != "green":
            PIL.Image.new("RGB", (4, 4), one).save(tmp_path / f"{one}.png")
    rows = encoder.encode_images([PIL.Image.new("RGB", (4, 4), one) for one in COLOURS])
    entries = [Entry(one, (f"a {one} square",), {}, str(tmp_path / f"{one}.png")) for one in COLOURS]
    return Gallery.create(tmp_path / "index", "exact", Embeddings(COLOURS, rows, encoder.provenance), entries)


@dataclass
class Wished:
    """Puts candidates into the order wished for, and keeps what it was shown."""

    order: tuple[str, ...]
    name: str = "wished"
    seen: object = None

    def score(self, candidates):
        self.seen = candidates
        return np.array([-self.order.index(one.id) for one in candidates.pictures], np.float32)


def asked(text):
    return Query((Term(1.0, text=text),))


RED_OR_BLUE = asked("red and blue")


def ranks(retrieval):
    return [(one.hit.id, one.before, one.rank) for one in retrieval]


def test_without_rerankers_it_is_the_search(gallery, encoder):
    found = retrieve(gallery, encoder, RED_OR_BLUE, 3)
    assert list(found.hits) == search(gallery, encoder, RED_OR_BLUE, 3)
    assert ranks(found) == [("red", 1, 1), ("blue", 2, 2), ("white", 3, 3)]
    assert found[0] == Found(found.hits[0], 1, 1)
    assert len(found) == 3


def test_only_the_first_answers_change_places(gallery, encoder):
    backwards = Wished(tuple(reversed(FIRST)))
    found = retrieve(gallery, encoder, RED_OR_BLUE, 5, rerankers=[backwards], depth=3)
    assert ranks(found) == [("white", 3, 1), ("blue", 2, 2), ("red", 1, 3), ("pink", 4, 4), ("green", 5, 5)]
    assert [one.score for one in found.hits] == pytest.approx([0, 0.707, 0.707, 0, 0], abs=1e-3)


def test_what_stood_below_k_can_rise_into_it(gallery, encoder):
    found = retrieve(gallery, encoder, RED_OR_BLUE, 1, rerankers=[Wished(("pink", *COLOURS))], depth=4)
    assert ranks(found) == [("pink", 4, 1)]


def test_each_reranker_works_on_what_the_one_before_left(gallery, encoder):
    first, second = Wished(("white", "blue", "red")), Wished(("blue", "white", "red"))
    found = retrieve(gallery, encoder, RED_OR_BLUE, 3, rerankers=[first, second], depth=3)
    assert [one.id for one in second.seen.pictures] == ["white", "blue", "red"]
    assert ranks(found) == [("blue", 2, 1), ("white", 3, 2), ("red", 1, 3)]


def test_candidates_bring_text_rows_scores_and_pictures(gallery, encoder):
    looked = Wished(COLOURS)
    retrieve(gallery, encoder, RED_OR_BLUE, 2, rerankers=[looked], depth=2)
    seen = looked.seen
    assert seen.text == "red and blue"
    assert [one.id for one in seen.pictures] == ["red", "blue"]
    assert [one.load().getpixel((0, 0)) for one in seen.pictures] == [(255, 0, 0), (0, 0, 255)]
    np.testing.assert_array_equal(seen.query, encoder.encode_texts(["red and blue"])[0])
    np.testing.assert_array_equal(seen.rows @ seen.query, seen.scores)
    np.testing.assert_allclose(seen.scores, [0.7071, 0.7071], atol=1e-4)


def test_a_picture_that_was_replaced_is_another_content(gallery, encoder):
    looked = Wished(COLOURS)
    contents = []
    for _ in range(2):
        retrieve(gallery, encoder, RED_OR_BLUE, 1, rerankers=[looked], depth=1)
        contents.append(looked.seen.pictures[0].content)
        row = encoder.encode_texts(["white"])
        gallery.add(Embeddings(("white",), row, encoder.provenance), [Entry("white", ("new",))])
    assert contents[0] != contents[1]


def test_a_picture_is_read_only_where_a_reranker_looks(gallery, encoder):
    green = asked("green")
    assert retrieve(gallery, encoder, green, 1, rerankers=[Wished(COLOURS)], depth=1).hits[0].id == "green"
    looked = Wished(COLOURS)
    retrieve(gallery, encoder, green, 1, rerankers=[looked], depth=1)
    with pytest.raises(UnreadableImage, match="missing"):
        looked.seen.pictures[0].load()


def test_a_loader_comes_before_the_path_and_may_know_nothing(gallery, encoder):
    grey = PIL.Image.new("RGB", (2, 2), "grey")
    looked = Wished(COLOURS)
    given = {"red": grey}
    retrieve(gallery, encoder, RED_OR_BLUE, 2, rerankers=[looked], depth=2, pictures=lambda hit: given.get(hit.id))
    assert [one.load().getpixel((0, 0)) for one in looked.seen.pictures] == [(128, 128, 128), (0, 0, 255)]


def test_pictures_of_a_data_set_are_found_by_id():
    @dataclass
    class Two:
        splits = ("a", "b")

        def items(self, split):
            yield Item(Picture(f"{split}-1", split, lambda: PIL.Image.new("RGB", (ord(split), 1))), ())

    load_it = pictures_of(Two())
    hit = search_hit("b-1")
    assert load_it(hit).size == (98, 1)
    assert load_it(search_hit("c-1")) is None


def search_hit(name):
    from mirante.search import Hit

    return Hit(name, 0.5, (), {}, None)


def test_without_file_and_loader_the_remedy_is_named(tmp_path, encoder):
    rows = Embeddings(("red",), encoder.encode_texts(["red"]), encoder.provenance)
    bare = Gallery.create(tmp_path / "bare", "exact", rows, [Entry("red")])
    looked = Wished(COLOURS)
    retrieve(bare, encoder, asked("red"), 1, rerankers=[looked])
    with pytest.raises(UnreadableImage, match=r"'red' has no file: .*--pictures DATA"):
        looked.seen.pictures[0].load()


def calibrated(gallery, encoder, threshold):
    """Relevance is the logistic function of 10 · cosine − 5: 0.993 for a cosine of 1, 0.007 for 0."""
    curve = Curve(-5.0, 10.0, 0.0)
    terms = Terms(encoder.provenance, "images", "x", 5, 0.5, 0.05, threshold, curve, curve)
    Calibration(terms, np.zeros(12, np.float32), np.eye(12, dtype=np.float32)).save(gallery.folder)
    return Gallery.open(gallery.folder)


def test_where_nothing_matches_nothing_is_looked_at_again(gallery, encoder):
    looked = Wished(COLOURS)
    found = retrieve(calibrated(gallery, encoder, 0.5), encoder, asked("a dog"), 2, rerankers=[looked])
    assert found.nothing_matches is True
    assert looked.seen is None
    assert ranks(found) == [("white", 1, 1), ("red", 2, 2)]


def test_the_threshold_judges_the_first_stage_not_what_reranking_left(gallery, encoder):
    found = retrieve(
        calibrated(gallery, encoder, 0.5), encoder, asked("red"), 1, rerankers=[Wished(("pink", *COLOURS))]
    )
    assert found.hits[0].id == "pink"
    assert found.hits[0].relevance == pytest.approx(1 / (1 + np.exp(5)))
    assert found.nothing_matches is False


@pytest.mark.parametrize(
    "query",
    [
        Query((Term(1.0, text="red"), Term(1.0, text="blue"))),
        Query((Term(1.0, image=PIL.Image.new("RGB", (2, 2), "red")),)),
        Query((Term(-1.0, text="red"),)),
        Query(()),
    ],
)
def test_what_is_not_one_text_cannot_be_looked_at_again(gallery, encoder, query):
    with pytest.raises(UsageError, match="Re-ranking reads one text"):
        retrieve(gallery, encoder, query, 1, rerankers=[Wished(COLOURS)])


def test_a_gallery_of_texts_cannot_be_looked_at_again(tmp_path, encoder):
    rows = Embeddings(("t",), encoder.encode_texts(["red"]), encoder.provenance)
    texts = Gallery.create(tmp_path / "texts", "exact", rows, [Entry("t", ("red",))], holds="texts")
    with pytest.raises(UsageError, match="not a gallery of texts"):
        retrieve(texts, encoder, asked("red"), 1, rerankers=[Wished(COLOURS)])


@pytest.mark.parametrize(("k", "depth"), [(0, 5), (5, 0)])
def test_fewer_than_one_is_refused(gallery, encoder, k, depth):
    with pytest.raises(UsageError, match="1"):
        retrieve(gallery, encoder, RED_OR_BLUE, k, rerankers=[Wished(COLOURS)], depth=depth)


def test_scores_that_are_not_finite_are_one_error(gallery, encoder):
    class Broken(Wished):
        def score(self, candidates):
            return np.full(len(candidates.pictures), np.nan, np.float32)

    with pytest.raises(ModelError, match="no finite"):
        retrieve(gallery, encoder, RED_OR_BLUE, 1, rerankers=[Broken(COLOURS)])


def test_another_models_gallery_is_refused(gallery, encoder):
    class Other(type(encoder)):
        provenance = replace(encoder.provenance, model="other", revision="2")

    assert isinstance(Other.provenance, Provenance)
    with pytest.raises(ModelMismatch):
        retrieve(gallery, Other(), RED_OR_BLUE, 1)


def test_an_empty_gallery_finds_nothing(tmp_path, encoder):
    none = Embeddings((), np.empty((0, 12), np.float32), encoder.provenance)
    empty = Gallery.create(tmp_path / "empty", "exact", none, [])
    assert len(retrieve(empty, encoder, RED_OR_BLUE, 3, rerankers=[Wished(COLOURS)])) == 0


def test_a_vector_that_is_at_hand_is_not_made_again(gallery, encoder):
    blue = encoder.encode_texts(["blue"])[0]
    assert retrieve(gallery, encoder, asked("red"), 1, vector=blue).hits[0].id == "blue"


def test_queries_together_are_answered_as_each_alone(tmp_path, encoder):
    rows = encoder.encode_images([PIL.Image.new("RGB", (4, 4), one) for one in COLOURS])
    entries = [Entry(one, (one,), {"warm": one in ("red", "pink")}) for one in COLOURS]
    gallery = Gallery.create(tmp_path / "warm", "exact", Embeddings(COLOURS, rows, encoder.provenance), entries)
    queries = [
        asked("red and blue"),
        Query((Term(1.0, text="red"), Term(-0.5, text="blue")), {"warm": "true"}),
        Query((Term(1.0, image=PIL.Image.new("RGB", (4, 4), "green")), Term(0.5, text="white"))),
        asked("pink"),
        replace(asked("blue"), where={"warm": "false"}),
    ]
    together = retrieve_each(gallery, encoder, queries, 3)
    assert together == [retrieve(gallery, encoder, one, 3) for one in queries]
    assert [one.hits[0].id for one in together] == ["red", "red", "green", "pink", "blue"]


def test_queries_together_are_one_call_of_the_model_for_texts_and_one_for_pictures(gallery, encoder):
    calls = []

    class Counted:
        provenance, dim = encoder.provenance, encoder.dim

        def encode_texts(self, texts):
            calls.append(list(texts))
            return encoder.encode_texts(texts)

        def encode_images(self, images):
            calls.append(len(images))
            return encoder.encode_images(images)

    picture = Query((Term(1.0, image=PIL.Image.new("RGB", (4, 4), "red")),))
    retrieve_each(gallery, Counted(), [asked("red"), picture, asked("blue")], 2)
    assert calls == [["red", "blue"], 1]


def test_one_query_without_a_direction_is_told_for_all(gallery, encoder):
    nowhere = Query((Term(1.0, text="red"), Term(-1.0, text="red")))
    with pytest.raises(UsageError, match="cancel out"):
        retrieve_each(gallery, encoder, [asked("red"), nowhere], 2)


def test_queries_together_do_not_cross_to_another_models_gallery(gallery, encoder):
    class Other:
        provenance, dim = Provenance("other", "1", "2", "3"), encoder.dim

    with pytest.raises(ModelMismatch):
        retrieve_each(gallery, Other(), [asked("red")], 2)
