"""Only the first answers of a query change places: what a re-ranker may do to a run, and what it may not."""

import numpy as np
import pytest

from mirante.errors import ModelError, UnknownName, UsageError
from mirante.rerankers import Collection, chain, rerank
from mirante.rerankers.expansion import Expansion
from mirante.rerankers.reciprocal import Reciprocal
from mirante.types import Embeddings, Picture, Provenance, Run

MADE = Provenance("toy", "1", "p")
IDS = ("a", "b", "c", "d", "e")


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def picture(one):
    return Picture(one, one, lambda: None)


@pytest.fixture
def run():
    """Two queries; the second has three answers only."""
    indices = np.array([[0, 1, 2, 3, 4], [4, 2, 0, -1, -1]], np.int32)
    scores = np.array([[0.9, 0.8, 0.7, 0.6, 0.5], [0.4, 0.3, 0.2, -np.inf, -np.inf]], np.float32)
    return Run(("q1", "q2"), IDS, indices, scores, "base")


@pytest.fixture
def collection():
    rows = unit([[1, 0], [2, 1], [1, 1], [1, 2], [0, 1]])
    queries = Embeddings(("q2", "q1"), unit([[0, 1], [1, 0]]), MADE)
    return Collection(
        {"q1": "one", "q2": "two"},
        {one: picture(one) for one in IDS},
        queries,
        Embeddings(IDS[::-1], rows[::-1].copy(), MADE),
    )


class By:
    """Scores by id; remembers what it was shown."""

    name = "by"

    def __init__(self, **scores):
        self.scores, self.seen = scores, []

    def score(self, candidates):
        self.seen.append(candidates)
        return np.array([self.scores.get(one.id, 0.0) for one in candidates.pictures], np.float32)


def ids(run, query):
    return [one for one, _ in run.ranking(query)]


def test_the_head_is_in_the_order_of_the_new_scores_and_the_tail_stays(run, collection):
    done = rerank(run, By(a=1, b=2, c=3, d=9, e=9), collection, depth=3)
    assert ids(done, "q1") == ["c", "b", "a", "d", "e"]
    assert ids(done, "q2") == ["e", "c", "a"]
    assert done.name == "base+by"


def test_scores_never_rise_along_a_row(run, collection):
    for scores in ({"a": -5, "b": -6, "c": -7}, {"a": 100, "b": 0.1, "c": 50}):
        done = rerank(run, By(**scores), collection, depth=3)
        for query in run.queries:
            found = [score for _, score in done.ranking(query)]
            assert found == sorted(found, reverse=True)


def test_what_was_in_the_head_is_in_the_head(run, collection):
    rng = np.random.default_rng(0)
    for depth in (1, 2, 4, 5, 9):
        done = rerank(run, By(**dict(zip(IDS, rng.normal(size=5), strict=True))), collection, depth=depth)
        for query in run.queries:
            assert set(ids(done, query)[:depth]) == set(ids(run, query)[:depth])
            assert ids(done, query)[depth:] == ids(run, query)[depth:]


def test_equal_scores_put_the_later_id_first(run, collection):
    assert ids(rerank(run, By(), collection, depth=3), "q1") == ["c", "b", "a", "d", "e"]


def test_a_reranker_sees_the_text_the_pictures_and_the_rows_of_its_query(run, collection):
    by = By()
    rerank(run, by, collection, depth=2)
    first, second = by.seen
    assert (first.text, [one.id for one in first.pictures]) == ("one", ["a", "b"])
    assert (second.text, [one.id for one in second.pictures]) == ("two", ["e", "c"])
    np.testing.assert_allclose(first.scores, [0.9, 0.8])
    np.testing.assert_allclose(first.query, [1, 0])
    np.testing.assert_allclose(second.rows, unit([[0, 1], [1, 1]]))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_refused(run, collection, wrong):
    with pytest.raises(ModelError, match="'by' gave the 2 candidates of the query 'q1' no finite scores"):
        rerank(run, By(a=wrong), collection, depth=2)


def test_a_depth_below_one_is_refused(run, collection):
    with pytest.raises(UsageError, match="at least 1, not 0"):
        rerank(run, By(), collection, depth=0)


def test_the_given_run_is_not_changed(run, collection):
    before = run.indices.copy(), run.scores.copy()
    rerank(run, By(c=1), collection)
    np.testing.assert_array_equal(run.indices, before[0])
    np.testing.assert_array_equal(run.scores, before[1])


def test_a_chain_opens_kinds_with_and_without_an_address():
    assert chain(["reciprocal", "expansion:5"], None) == (Reciprocal(), Expansion(pictures=5))
    assert chain(["reciprocal:0.5"], None)[0].weight == 0.5


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("reciprocl", UnknownName, "Did you mean 'reciprocal'"),
        ("reciprocal:2", UsageError, "from 0 to 1, not '2'"),
        ("reciprocal:x", UsageError, "from 0 to 1, not 'x'"),
        ("expansion:0", UsageError, "from 1, not '0'"),
        ("expansion:many", UsageError, "from 1, not 'many'"),
    ],
)
def test_a_wrong_address_is_one_message(address, error, message):
    with pytest.raises(error, match=message):
        chain([address], None)


def test_reciprocal_neighbours_of_the_best_overtake_a_stranger(run, collection):
    """`far` scores a little better than `near`, which lies beside the two best; its neighbours are others."""
    rows = unit([[1, 0.02], [1, 0.0], [-1, 1.5], [1, 0.05], [-1, 1.6], [-1, 1.4]])
    scores = np.array([0.9, 0.89, 0.52, 0.51, 0.1, 0.1], np.float32)
    given = type("Given", (), {"rows": rows, "scores": scores})()
    plain, mixed = Reciprocal(3, 0.0).score(given), Reciprocal(3, 0.5).score(given)
    assert plain[2] > plain[3]
    assert mixed[3] > mixed[2]
    assert mixed[0] == mixed.max()


def test_expansion_is_the_cosine_to_text_and_best_pictures():
    rows = unit([[1, 0], [0, 1], [1, 1]])
    given = type("Given", (), {"rows": rows, "scores": np.array([0.5, 0.4, 0.3], np.float32), "query": unit([1, 2])})()
    new = unit(0.7 * unit([1, 2]) + 0.3 * unit([0.5**3, 0.4**3]))
    np.testing.assert_allclose(Expansion(pictures=2).score(given), rows @ new, rtol=1e-6)
    np.testing.assert_allclose(Expansion(share=0.0).score(given), rows @ unit([1, 2]), rtol=1e-6)


def test_a_reader_of_the_scores_alone_sees_the_same_order(run, collection):
    """trec_eval sorts by score, then the later id: `a` at the end of the head must stand above `d` and `e` below it."""
    level = Run(run.queries, IDS, run.indices, np.where(run.indices < 0, -np.inf, np.float32(0.3)), "base")
    level.scores[0, 4] = 0.2
    for tiny in (0.0, 1e-12, -1e-12):  # less than what one float32 step is at 0.3
        done = rerank(level, By(a=-9 - 2 * tiny, b=-9 - tiny, c=-9), collection, depth=3)
        found = done.ranking("q1")
        assert sorted(found, key=lambda pair: (pair[1], pair[0]), reverse=True) == found
        assert {one for one, _ in found[:3]} == {"a", "b", "c"}
        assert done.scores[0, 3:].tolist() == level.scores[0, 3:].tolist()


def test_the_scores_of_the_base_leave_a_run_as_it_is(run, collection):
    by = type("Same", (), {"name": "same", "score": lambda self, candidates: candidates.scores})()
    done = rerank(run, by, collection, depth=3)
    np.testing.assert_array_equal(done.indices, run.indices)
    np.testing.assert_array_equal(done.scores, run.scores)
