"""The nouns: many-to-many relevance, ids that never shift, rows that match their ids."""

import numpy as np
import pytest
from PIL import Image

from mirante.errors import DataError, MiranteError
from mirante.types import Caption, Embeddings, Item, Pairs, Picture, Provenance, Run

TINY = Provenance("tiny", "r1", "p1")


def item(image: str, content: str, *captions: tuple[str, str]) -> Item:
    picture = Picture(image, content, load=lambda: Image.new("RGB", (1, 1)))
    return Item(picture, tuple(Caption(id, text) for id, text in captions))


@pytest.fixture
def pairs() -> Pairs:
    """Three rows, two pictures: `dog-again` has the bytes of `dog`; two captions share one text."""
    return Pairs.from_items(
        [
            item("dog", "aa", ("d1", "A dog"), ("d2", "an animal")),
            item("cat", "bb", ("c1", "a cat"), ("c2", " An Animal ")),
            item("dog-again", "aa", ("d3", "the dog again")),
        ],
        "pets:test",
    )


def ids(pairs: Pairs) -> tuple[list[str], list[str]]:
    return [image.id for image in pairs.images], [caption.id for caption in pairs.captions]


def test_equal_contents_are_one_image_with_all_of_its_captions(pairs: Pairs) -> None:
    assert ids(pairs) == (["dog", "cat"], ["d1", "d2", "c1", "c2", "d3"])
    assert pairs.relevance["d3"] == {"dog"}
    assert pairs.merged == {"dog-again": "dog"}
    assert pairs.name == "pets:test"


def test_a_list_of_captions_is_several_queries(pairs: Pairs) -> None:
    assert pairs.qrels("text_to_image").grades == {
        "d1": {"dog": 1},
        "d2": {"dog": 1},
        "c1": {"cat": 1},
        "c2": {"cat": 1},
        "d3": {"dog": 1},
    }


def test_relevance_turned_round(pairs: Pairs) -> None:
    assert pairs.qrels("image_to_text").grades == {"dog": {"d1": 1, "d2": 1, "d3": 1}, "cat": {"c1": 1, "c2": 1}}


def test_equal_captions_share_their_positives(pairs: Pairs) -> None:
    shared = pairs.sharing_equal_captions()
    assert shared.relevance["d2"] == shared.relevance["c2"] == {"dog", "cat"}
    assert shared.relevance["d1"] == {"dog"}
    assert shared.qrels("text_to_image").grades["d2"] == {"cat": 1, "dog": 1}
    assert shared.qrels("image_to_text").grades["cat"] == {"d2": 1, "c1": 1, "c2": 1}
    assert pairs.relevance["d2"] == {"dog"}, "the pairs themselves stay as the data gave them"


def test_an_image_left_out_takes_only_its_own_captions_along(pairs: Pairs) -> None:
    kept = pairs.without_images(["dog"])
    assert ids(kept) == (["cat"], ["c1", "c2"])
    shared = pairs.sharing_equal_captions().without_images(["dog"])
    assert ids(shared) == (["cat"], ["d2", "c1", "c2"])
    assert shared.relevance["d2"] == {"cat"}


def test_images_without_captions_are_candidates_but_no_queries() -> None:
    pairs = Pairs.from_items([item("dog", "aa", ("d1", "a dog")), item("empty", "cc")])
    assert ids(pairs) == (["dog", "empty"], ["d1"])
    assert pairs.qrels("image_to_text").grades == {"dog": {"d1": 1}}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([item("a", "1"), item("a", "2")], r"^Image id 'a' occurs twice in pets: give each row its own id\.$"),
        ([item("a", "1"), item("b", "1"), item("b", "2")], r"^Image id 'b' occurs twice in pets"),
        ([item("a", "1", ("c", "x")), item("b", "2", ("c", "y"))], r"^Caption id 'c' occurs twice in pets"),
    ],
)
def test_an_id_that_occurs_twice_is_refused(rows: list[Item], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Pairs.from_items(rows, "pets")


def embeddings() -> Embeddings:
    return Embeddings(("a", "b", "c"), np.eye(3, dtype=np.float32), TINY)


def test_rows_are_selected_by_id_in_the_order_asked() -> None:
    chosen = embeddings().select(["c", "a"])
    assert chosen.ids == ("c", "a")
    assert chosen.vectors.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert chosen.provenance == TINY


def test_an_id_without_a_row_is_an_error_that_counts_and_names() -> None:
    with pytest.raises(DataError, match=r"^2 ids have no embedding, first 'x': embed the data again\.$"):
        embeddings().select(["a", "x", "y"])


@pytest.mark.parametrize(
    ("ids", "vectors"),
    [
        (("a",), np.eye(2, dtype=np.float32)),
        (("a", "b"), np.eye(2, dtype=np.float64)),
        (("a", "b"), np.ones(2, dtype=np.float32)),
    ],
)
def test_rows_that_do_not_match_their_ids_are_refused(ids: tuple[str, ...], vectors: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"^Embeddings need \(n, d\) float32 rows and n ids, not "):
        Embeddings(ids, vectors, TINY)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Provenance("a copy of tiny", "r1", "p1", "other data"), True),
        (Provenance("tiny", "r2", "p1"), False),
        (Provenance("tiny", "r1", "p2"), False),
    ],
)
def test_vectors_share_a_space_by_weights_and_preprocessing_not_by_name(other: Provenance, same: bool) -> None:
    assert TINY.same_space(other) is same


def test_a_ranking_is_ids_with_scores_and_leaves_the_padding_out() -> None:
    run = Run(
        queries=("q1", "q2"),
        documents=("a", "b", "c"),
        indices=np.array([[2, 0], [1, -1]], dtype=np.int32),
        scores=np.array([[0.75, 0.5], [0.25, -np.inf]], dtype=np.float32),
    )
    assert run.ranking("q1") == [("c", 0.75), ("a", 0.5)]
    assert run.ranking("q2") == [("b", 0.25)]


def test_an_unknown_query_has_no_ranking() -> None:
    run = Run(("q2",), (), np.zeros((1, 0), np.int32), np.zeros((1, 0), np.float32))
    with pytest.raises(MiranteError, match="q1"):
        run.ranking("q1")
