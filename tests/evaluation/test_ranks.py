"""Ranks are exact: against a slow oracle, hand-computed cases, and each path against the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirante.errors import DataError
from mirante.evaluation import ranking
from mirante.evaluation.keys import keys, tie_order
from mirante.evaluation.positives import positives
from mirante.evaluation.ranking import rank
from mirante.evaluation.ranks import NOT_RETRIEVED, ranks_from_run, ranks_in
from mirante.evaluation.similarity import histogram
from mirante.types import Embeddings, Provenance, Qrels, Run

MADE = Provenance("toy", "1", "none")
IDS = ("b", "a", "é", "Z", "b ", "", "10", "9", "ab", "𝄞")


def embeddings(ids: tuple[str, ...], rows: list[list[float]]) -> Embeddings:
    return Embeddings(ids, np.array(rows, np.float32), MADE)


def slow_ranks(scores: np.ndarray, ids: tuple[str, ...], relevant: list[str]) -> list[int]:
    """The tie rule spelt out: score descending, then the UTF-8 bytes of the id descending."""
    order = sorted(zip(scores.tolist(), (one.encode() for one in ids), ids, strict=True), reverse=True)
    return [at for at, (_, _, one) in enumerate(order, 1) if one in relevant]


def test_four_texts_find_two_images() -> None:
    texts = embeddings(("a cat", "a pet", "a dog", "a paw"), [[1, 0], [0.6, 0.8], [0, 1], [0.6, 0.6]])
    images = embeddings(("cat.png", "dog.png"), [[1, 0], [0, 1]])
    relevance = {"a cat": {"cat.png": 1}, "a pet": {"cat.png": 1}, "a dog": {"dog.png": 1}, "a paw": {"cat.png": 1}}

    found = rank(texts, images, qrels=Qrels(relevance), depth=2)

    assert found.ranks.queries == ("a cat", "a pet", "a dog", "a paw")
    assert found.ranks.first.tolist() == [1, 2, 1, 2]  # "a paw" ties, and the later id, dog.png, comes first
    assert found.run.ranking("a pet") == [("dog.png", pytest.approx(0.8)), ("cat.png", pytest.approx(0.6))]
    assert [one for one, _ in found.run.ranking("a paw")] == ["dog.png", "cat.png"]


def test_two_images_find_four_texts() -> None:
    images = embeddings(("cat.png", "dog.png"), [[1, 0], [0, 1]])
    texts = embeddings(("a cat", "a pet", "a dog", "a paw"), [[1, 0], [0.6, 0.8], [0, 1], [0.6, 0.6]])
    relevance = {"cat.png": {"a cat": 1, "a paw": 1}, "dog.png": {"a dog": 1, "a pet": 1}}

    ranks = rank(images, texts, qrels=Qrels(relevance)).ranks

    # cat.png: a cat 1, then a pet and a paw at 0.6, the later id ("a pet") first: a paw is third
    assert ranks.ranks.tolist() == [1, 3, 1, 2]
    assert ranks.offsets.tolist() == [0, 2, 4]
    assert ranks.turns.tolist() == [1, 2, 1, 2]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_counting_and_sorting_agree_with_the_slow_oracle(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(IDS)))
    ids = IDS[:count]
    levels = st.sampled_from([-1.0, -0.5, -0.0, 0.0, 1e-30, 0.5, 0.5000001, 1.0])
    rows = data.draw(st.lists(st.lists(levels, min_size=count, max_size=count), min_size=1, max_size=5))
    scores = np.array(rows, np.float32)
    chosen = [data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True)) for _ in rows]
    wanted = positives(Qrels({str(at): dict.fromkeys(one, 1) for at, one in enumerate(chosen)}), ids)

    expected = [rank for row, relevant in zip(scores, chosen, strict=True) for rank in slow_ranks(row, ids, relevant)]

    assert ranks_in(scores, tie_order(ids), wanted, few=100).tolist() == expected
    assert ranks_in(scores, tie_order(ids), wanted, few=0).tolist() == expected
    assert ranks_in(scores, tie_order(ids), wanted, few=2).tolist() == expected


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.sampled_from([1, 7, 64, 1 << 22]), st.integers(1, 45))
def test_ranks_of_the_run_are_the_ranks_of_the_vectors(seed: int, count: int, block: int, depth: int) -> None:
    random = np.random.default_rng(seed)
    documents = tuple(f"d{one}" for one in random.permutation(count))
    queries = tuple(f"q{one}" for one in range(9))
    rows = random.integers(-2, 3, (count + 9, 3)).astype(np.float32)  # few values: many equal scores
    relevance = {q: {d: int(random.integers(0, 2)) for d in documents} for q in queries} | {"q0": {documents[0]: 1}}

    found = rank(
        Embeddings(queries, rows[:9], MADE),
        Embeddings(documents, rows[9:], MADE),
        qrels=Qrels(relevance),
        depth=depth,
        block=block,
    )
    again = ranks_from_run(found.run, Qrels(relevance))

    shown = found.ranks.ranks <= depth
    assert again.ranks[shown].tolist() == found.ranks.ranks[shown].tolist()
    assert (again.ranks[~shown] == NOT_RETRIEVED).all()
    for at, query in enumerate(found.run.queries):
        scores = rows[9:] @ rows[queries.index(query)]
        best = sorted(zip(scores.tolist(), documents, strict=True), reverse=True)[:depth]
        assert found.run.ranking(query) == [(one, score) for score, one in best], at


def test_greater_keys_are_better_ranks() -> None:
    scores = np.array([-np.inf, -2.0, -1.0, -0.0, 0.0, 1e-45, 1.0, np.inf], np.float32)
    assert np.diff(keys(scores, np.arange(8))).min() > 0
    equal = keys(np.array([-0.0, 0.0], np.float32), np.array([5, 4]))
    assert equal[0] > equal[1]  # −0.0 equals 0.0: the id decides


def test_equal_vectors_tie_wherever_they_stand() -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((2003, 512)).astype(np.float32)
    twins = [0, 3, 77, 1234, 1996, 2002]
    rows[twins] = rows[0]
    ids = tuple(f"{at:04}" for at in range(2003))
    queries = Embeddings(
        tuple(f"q{at}" for at in range(150)), random.standard_normal((150, 512)).astype(np.float32), MADE
    )
    documents = Embeddings(ids, rows, MADE)

    lowest, highest = (
        rank(queries, documents, qrels=Qrels({query: {one: 1} for query in queries.ids})).ranks.first
        for one in ("0000", "2002")
    )

    assert (lowest - highest).tolist() == [5] * 150  # six equal vectors, ordered by their ids alone


def test_a_truncated_run_leaves_relevant_documents_unretrieved() -> None:
    run = Run(
        queries=("q1", "q2", "q3"),
        documents=("a", "b", "c"),
        indices=np.array([[-1, -1], [1, -1], [2, 0]], np.int32),
        scores=np.array([[-np.inf, -np.inf], [0.5, -np.inf], [0.9, 0.8]], np.float32),
    )
    qrels = Qrels({"q3": {"a": 1, "b": 1}, "q2": {"b": 1}, "q1": {"c": 1}, "absent": {"a": 1}, "empty": {"a": 0}})

    ranks = ranks_from_run(run, qrels)

    assert ranks.queries == ("q3", "q2", "q1", "absent")
    assert ranks.ranks.tolist() == [2, NOT_RETRIEVED, 1, NOT_RETRIEVED, NOT_RETRIEVED]


def test_a_run_is_put_in_the_order_of_the_tie_rule() -> None:
    run = Run(("q",), ("a", "b", "c"), np.array([[0, 1, 2]], np.int32), np.array([[0.5, 0.5, 0.9]], np.float32))
    assert ranks_from_run(run, Qrels({"q": {"a": 1}})).first.tolist() == [3]
    assert ranks_from_run(run, Qrels({"q": {"b": 1}})).first.tolist() == [2]


def test_queries_without_relevance_are_left_out_and_counted() -> None:
    queries = embeddings(("asked", "unrelated", "graded zero"), [[1, 0], [0, 1], [1, 0]])
    documents = embeddings(("x", "y"), [[1, 0], [0, 1]])
    ranks = rank(queries, documents, qrels=Qrels({"asked": {"x": 1}, "graded zero": {"x": 0}})).ranks
    assert (ranks.queries, ranks.unjudged) == (("asked",), 2)
    run = Run(("asked", "other"), ("x",), np.zeros((2, 1), np.int32), np.ones((2, 1), np.float32))
    assert ranks_from_run(run, Qrels({"asked": {"x": 1}})).unjudged == 1


def test_a_relevant_document_outside_the_gallery_is_not_retrieved() -> None:
    found = rank(embeddings(("q",), [[1, 0]]), embeddings(("x",), [[1, 0]]), qrels=Qrels({"q": {"gone": 1, "x": 1}}))
    assert found.ranks.ranks.tolist() == [1, NOT_RETRIEVED]


@pytest.mark.parametrize(
    ("queries", "documents", "qrels", "message"),
    [
        ([[np.nan, 0]], [[1, 0]], {"q": {"d0": 1}}, "1 query vectors are not finite"),
        ([[1, 0]], [[np.inf, 0]], {"q": {"d0": 1}}, "1 document vectors are not finite"),
        ([[1, 0]], [[1, 0, 0]], {"q": {"d0": 1}}, "Queries have 2 dimensions, documents 3"),
        ([[1, 0]], [[1, 0]], {"q": {"d0": 0}}, "None of 1 queries has a relevant document"),
        ([[1, 0]], [[1, 0]], {"lost": {"d0": 1}}, "1 ids have no embedding, first 'lost'"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    queries: list[list[float]], documents: list[list[float]], qrels: dict[str, dict[str, int]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        rank(embeddings(("q",), queries), embeddings(("d0",), documents), qrels=Qrels(qrels))


def test_an_empty_gallery_and_equal_ids_are_refused() -> None:
    empty = Embeddings((), np.zeros((0, 2), np.float32), MADE)
    with pytest.raises(DataError, match="0 documents"):
        rank(embeddings(("q",), [[1, 0]]), empty, qrels=Qrels({"q": {"x": 1}}))
    with pytest.raises(DataError, match="'x' occurs twice"):
        rank(embeddings(("q",), [[1, 0]]), embeddings(("x", "x"), [[1, 0], [0, 1]]), qrels=Qrels({"q": {"x": 1}}))


@pytest.mark.parametrize(
    ("indices", "scores", "message"),
    [([[0, 0]], [[0.9, 0.8]], "lists 'a' twice"), ([[0, 1]], [[np.nan, 0.8]], "not numbers")],
)
def test_a_broken_run_is_refused(indices: list[list[int]], scores: list[list[float]], message: str) -> None:
    run = Run(("q",), ("a", "b"), np.array(indices, np.int32), np.array(scores, np.float32))
    with pytest.raises(DataError, match=message):
        ranks_from_run(run, Qrels({"q": {"a": 1}}))


def test_a_run_of_depth_zero_is_empty() -> None:
    found = rank(embeddings(("q",), [[1, 0]]), embeddings(("x",), [[1, 0]]), qrels=Qrels({"q": {"x": 1}}), depth=0)
    assert found.run.indices.shape == (1, 0)
    assert found.ranks.first.tolist() == [1]


def test_similarities_of_right_and_wrong_pairs() -> None:
    texts = embeddings(("t1", "t2"), [[1, 0], [0.6, 0.8]])
    images = embeddings(("i1", "i2"), [[1, 0], [0, -1]])
    found = rank(texts, images, qrels=Qrels({"t1": {"i1": 1}, "t2": {"i2": 1}})).similarity

    assert found.positive == pytest.approx((1.0 - 0.8) / 2)
    assert found.negative == pytest.approx((0.0 + 0.6) / 2)
    assert found.modality_gap == pytest.approx(np.hypot(0.8 - 0.5, 0.4 + 0.5))
    assert {at: n for at, n in enumerate(found.positive_counts.tolist()) if n} == {63: 1, 6: 1}  # 1.0 and −0.8
    assert {at: n for at, n in enumerate(found.negative_counts.tolist()) if n} == {32: 1, 51: 1}  # 0.0 and 0.6


@pytest.mark.parametrize("count", [1, 2, 4097])
def test_every_cosine_is_in_one_bin(count: int) -> None:
    """On an edge it is in the bin above; just outside of [−1, 1], in the outer bins."""
    cosines = np.array([-1.0, -1.0000001, 1.0, 1.0000001, 0.0, -0.03125, 0.031249], np.float32)
    bins = [0, 0, 63, 63, 32, 31, 32]
    found = histogram(np.resize(cosines, count))
    assert found.tolist() == np.bincount(np.resize(bins, count), minlength=64).tolist()


def test_blocks_do_not_change_the_histogram(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    rows = random.standard_normal((60, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries = Embeddings(tuple(f"q{at}" for at in range(20)), rows[:20], MADE)
    documents = Embeddings(tuple(f"d{at}" for at in range(40)), rows[20:], MADE)
    qrels = Qrels({query: {"d1": 1, "d2": 1} for query in queries.ids})

    found = [rank(queries, documents, qrels=qrels, block=size).similarity for size in (1, 100, ranking.BLOCK)]

    expected = np.histogram(rows[:20] @ rows[20:].T, bins=64, range=(-1, 1))[0].tolist()
    assert [(one.positive_counts + one.negative_counts).tolist() for one in found] == [expected] * 3
