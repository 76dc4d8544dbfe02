"""The similarity of rows of several vectors: the nearest pair decides, where a product would give the mean."""

import numpy as np
import pytest

from mirante.evaluation import Settings, evaluate
from mirante.nearest import similarity
from mirante.search import Entry, Gallery
from mirante.types import Caption, Embeddings, Pairs, Picture, Provenance

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)
BETWEEN = (0.6, 0.8)


def row(*vectors):
    """Unit vectors side by side, scaled to length 1 together."""
    return np.concatenate([np.asarray(one, np.float32) for one in vectors]) / np.sqrt(np.float32(len(vectors)))


def test_the_nearest_of_two_vectors_decides():
    texts = np.stack([row(EAST, EAST), row(NORTH, NORTH)])
    pictures = np.stack([row(EAST, NORTH), row(BETWEEN, BETWEEN)])
    assert similarity(texts, pictures, 2) == pytest.approx(np.array([[1, 0.6], [1, 0.8]]), abs=1e-6)


def test_a_product_would_give_the_mean_and_another_order():
    """One vector hits the text, the other misses: 1 by the nearest, (1 + 0) / 2 by the mean, below 0.6."""
    text, pictures = row(EAST, EAST)[None], np.stack([row(EAST, NORTH), row(BETWEEN, BETWEEN)])
    assert similarity(text, pictures) == pytest.approx(np.array([[0.5, 0.6]]), abs=1e-6)
    assert similarity(text, pictures, 2)[0].argmax() == 0


def test_either_side_may_ask():
    one, other = np.stack([row(EAST, NORTH), row(BETWEEN, EAST)]), np.stack([row(NORTH, NORTH)])
    assert similarity(one, other, 2) == pytest.approx(similarity(other, one, 2).T)


def test_rows_of_one_vector_are_multiplied():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(3, 5)).astype(np.float32), rng.normal(size=(4, 5)).astype(np.float32)
    assert np.array_equal(similarity(one, other), one @ other.T)


@pytest.mark.parametrize(("parts", "rank"), [(1, 2), (2, 1)])
def test_an_evaluation_ranks_by_the_nearest_where_the_provenance_says_so(parts, rank):
    """The text is about the first picture, whose mean is below the second's."""
    pictures = tuple(Picture(name, name, lambda: None) for name in ("hit and miss", "halfway"))
    pairs = Pairs(pictures, (Caption("east", "east"),), {"east": frozenset({"hit and miss"})})
    made = Provenance("model", "1", "1", parts=parts)
    images = Embeddings(("hit and miss", "halfway"), np.stack([row(EAST, NORTH), row(BETWEEN, BETWEEN)]), made)
    judged = evaluate(images, Embeddings(("east",), row(EAST, EAST)[None], made), pairs, Settings(resamples=0))
    assert judged.result.metrics["mrr"].value == pytest.approx(1 / rank)
    details = judged.result.details["similarity"]
    assert details["positive"] == pytest.approx([0.5, 1.0][parts - 1], abs=1e-6)
    assert details["negative"] == pytest.approx(0.6, abs=1e-6)


def test_a_gallery_answers_by_the_nearest_and_its_ties_by_id(tmp_path):
    """`a` and `b` hold the text itself beside a miss (1), `c` is near it twice (0.8); their means are 0.5 and 0.8."""
    rows = np.stack([row(EAST, NORTH), row(NORTH, EAST), row((0.8, 0.6), (0.8, 0.6))])
    made = Provenance("model", "1", "1", parts=2)
    gallery = Gallery.create(tmp_path, "exact", Embeddings(("a", "b", "c"), rows, made), [Entry(one) for one in "abc"])
    hits = gallery.search(row(EAST, EAST), 3)
    assert [hit.id for hit in hits] == ["b", "a", "c"]
    assert [hit.score for hit in hits] == pytest.approx([1, 1, 0.8], abs=1e-6)
    assert [hit.id for hit in gallery.search(row(EAST, EAST), 1)] == ["b"]
    assert [hit.id for hit in gallery.search(row(EAST, EAST), 9)] == ["b", "a", "c"]
