"""What every kind of index promises; `exact` is judged against a plain loop, all others against `exact`."""

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirante import indexes
from mirante.errors import DataError, StoreError, UnknownName, UsageError
from mirante.indexes import create_index, open_index

EAST, NORTH, WEST = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]
NORTH_EAST = [0.6, 0.8]


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def rows(*given):
    return np.array(given, np.float32)


@cache
def clustered(count=10_500, dim=32):
    """Rows in 100 loose clusters, their ids, and 40 queries near the clusters."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(100, dim))
    vectors = centres[np.arange(count) % 100] + 0.5 * random.normal(size=(count, dim))
    queries = centres[:40] + 0.5 * random.normal(size=(40, dim))
    return tuple(f"row{at:05}" for at in range(count)), unit(vectors), unit(queries)


def large(kind):
    """An index of the clustered rows; tests that change it open a saved copy."""
    return _large(kind, os.environ.get("MIRANTE_MILVUS_URI") if kind.startswith("milvus") else None)


@cache
def _large(kind, address):
    ids, vectors, _ = clustered()
    index = create_index(kind, 32)
    index.add(ids[:10_000], vectors[:10_000])
    index.add(ids[10_000:], vectors[10_000:])
    with TemporaryDirectory() as folder:  # what is saved outlives the index, in files and in engines
        index.save(Path(folder))
    return index


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A function that saves the large index of a kind once and says where."""
    folders = {}

    def save(kind):
        index = large(kind)
        if index not in folders:
            folders[index] = tmp_path_factory.mktemp(kind)
            index.save(folders[index])
        return folders[index]

    return save


def small(kind):
    index = create_index(kind, 2)
    index.add(["east", "north", "west"], rows(EAST, NORTH, WEST))
    return index


def overlap(found, wanted):
    return np.mean([len(set(one) & set(other)) / len(other) for one, other in zip(found, wanted, strict=True)])


def test_the_kinds_are_component_and_variant():
    files = ("exact", "faiss-binary", "faiss-flat", "faiss-hnsw", "faiss-ivf-flat", "faiss-ivf-pq")
    assert indexes.kinds() == (*files, "milvus-flat", "milvus-hnsw", "pgvector-flat", "pgvector-hnsw")


@pytest.mark.parametrize("call", [lambda k, p: create_index(k, 2), open_index], ids=["create", "open"])
def test_an_unknown_kind_is_answered_with_the_valid_ones(call, tmp_path):
    with pytest.raises(UnknownName, match=r"Unknown index 'faiss-hsnw'\. Did you mean 'faiss-hnsw'\?.*exact"):
        call("faiss-hsnw", tmp_path)


def test_search_gives_ids_and_cosines_best_first(kind):
    ids, scores = small(kind).search(rows(NORTH_EAST, WEST), 2)
    assert ids == [["north", "east"], ["west", "north"]]
    np.testing.assert_array_equal(scores, rows([0.8, 0.6], [1.0, 0.0]))
    assert scores.dtype == np.float32


def test_more_results_than_rows_pads_the_scores(kind):
    ids, scores = small(kind).search(rows(EAST), 5)
    assert ids == [["east", "north", "west"]]
    np.testing.assert_array_equal(scores, rows([1, 0, -1, -np.inf, -np.inf]))


def test_an_empty_index_finds_nothing(kind, tmp_path):
    index = create_index(kind, 2)
    index.save(tmp_path)
    for one in (index, open_index(kind, tmp_path)):
        ids, scores = one.search(rows(EAST), 2)
        assert (len(one), one.dim, ids) == (0, 2, [[]])
        np.testing.assert_array_equal(scores, rows([-np.inf, -np.inf]))


def test_no_queries_no_answers(kind):
    ids, scores = large(kind).search(np.empty((0, 32), np.float32), 3)
    assert (ids, scores.shape) == ([], (0, 3))


def test_equal_scores_stand_in_descending_order_of_ids(kind):
    index = create_index(kind, 2)
    index.add(["b", "c", "a", "B", "é", "é2"], rows(EAST, EAST, EAST, EAST, EAST, NORTH))
    assert index.search(rows(EAST), 4)[0] == [["é", "c", "b", "a"]]


def test_add_replaces_known_ids(kind):
    index = small(kind)
    index.add(["east", "new"], rows(WEST, EAST))
    assert len(index) == 4
    assert index.search(rows(WEST), 4)[0] == [["west", "east", "north", "new"]]


def test_rows_come_back_by_id_as_they_were_added_last(kind, tmp_path):
    index = small(kind)
    index.delete(["north"])
    index.add(["east", "new"], rows(NORTH_EAST, NORTH))
    index.save(tmp_path)
    for one in (index, open_index(kind, tmp_path)):
        np.testing.assert_allclose(one.vectors(["new", "west", "east"]), rows(NORTH, WEST, NORTH_EAST), rtol=1e-6)
        assert one.vectors([]).shape == (0, 2)


def test_delete_says_how_many_were_there(kind):
    index = small(kind)
    assert index.delete(["north", "nobody"]) == 1
    assert index.search(rows(NORTH), 3)[0] == [["west", "east"]]
    assert index.delete(["north"]) == 0
    assert len(index) == 2


def test_a_filter_leaves_the_best_of_the_allowed(kind):
    index = small(kind)
    assert index.search(rows(EAST), 2, allowed={"west", "north", "nobody"})[0] == [["north", "west"]]
    assert index.search(rows(EAST), 2, allowed=[])[0] == [[]]


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones((1, 3), np.float32), r"shape \(1, 3\), this index holds rows of width 2"),
        (np.array([1.0, 0.0], np.float32), r"shape \(2,\), this index holds rows of width 2"),
        (rows([3.0, 4.0]), r"1 of 1 vectors are not of length 1, the first has length 5"),
        (rows([0.0, 0.0]), r"1 of 1 vectors are not of length 1, the first has length 0"),
        (rows([np.nan, 0.0]), r"not of length 1, the first has length nan"),
        (rows(EAST, NORTH), r"1 different ids in 1 for 2 rows"),
    ],
)
def test_wrong_rows_are_refused_and_change_nothing(kind, vectors, message):
    index = small(kind)
    with pytest.raises(DataError, match=message):
        index.add(["east"], vectors)
    assert index.search(rows(EAST), 1)[0] == [["east"]]


def test_an_id_twice_in_one_call_is_refused(kind):
    with pytest.raises(DataError, match="1 different ids in 2 for 2 rows"):
        small(kind).add(["x", "x"], rows(EAST, NORTH))


def test_wrong_queries_are_refused(kind):
    with pytest.raises(DataError, match=r"queries have shape \(1, 3\)"):
        small(kind).search(np.ones((1, 3), np.float32), 1)
    with pytest.raises(DataError, match="queries are not of length 1"):
        small(kind).search(rows([2.0, 0.0]), 1)
    with pytest.raises(UsageError, match="at least 1 result, not 0"):
        small(kind).search(rows(EAST), 0)


def test_recall_on_clustered_rows(kind):
    _, _, queries = clustered()
    found, scores = large(kind).search(queries, 10)
    wanted, exact = large("exact").search(queries, 10)
    assert large(kind).describe()["structure"] == kind.partition("-")[2] or kind
    assert overlap(found, wanted) >= 0.95
    if kind in ("exact", "faiss-flat", "milvus-flat", "pgvector-flat"):
        assert found == wanted
        np.testing.assert_array_equal(scores, exact)


@pytest.mark.parametrize("every", [2, 5, 50, 3000])
def test_a_filter_gives_k_of_the_allowed_at_any_selectivity(kind, every):
    ids, _, queries = clustered()
    allowed = ids[::every]
    found, _ = large(kind).search(queries, 10, allowed)
    wanted, _ = large("exact").search(queries, 10, allowed)
    assert {len(one) for one in found} == {min(10, len(allowed))}
    assert {name for one in found for name in one} <= set(allowed)
    assert overlap(found, wanted) >= 0.95


def test_k_results_even_where_the_structure_gives_fewer(kind):
    _, _, queries = clustered()
    found, _ = large(kind).search(queries[:2], 9_000)
    assert [len(set(one)) for one in found] == [9_000, 9_000]


def test_equal_rows_have_equal_scores_wherever_they_stand(kind, saved):
    _, vectors, _ = clustered()
    index = open_index(kind, saved(kind))
    copies = {"copy-of-0": 0, "copy-of-7": 7, "copy-of-5000": 5000}
    index.add(list(copies), vectors[list(copies.values())])
    answers, scores = index.search(vectors[[0, 7, 5000]], 2)
    assert answers == [["row00000", "copy-of-0"], ["row00007", "copy-of-7"], ["row05000", "copy-of-5000"]]
    np.testing.assert_array_equal(scores[:, 0], scores[:, 1])


def test_a_saved_index_opens_equal_and_goes_on_changing(kind, saved, tmp_path):
    ids, vectors, queries = clustered()
    opened = open_index(kind, saved(kind))
    assert len(opened) == len(ids)
    assert opened.search(queries, 10)[0] == large(kind).search(queries, 10)[0]

    opened.delete(ids[:500])
    opened.add(["north", ids[600]], unit(np.eye(32)[[0, 1]]))
    opened.save(tmp_path)
    again = open_index(kind, tmp_path)
    for one in (opened, again):
        assert len(one) == 10_001
        assert one.search(unit(np.eye(32)[[0, 1]]), 1)[0] == [["north"], [ids[600]]]
        assert not {name for answer in one.search(vectors[:50], 10)[0] for name in answer} & set(ids[:500])
    assert len(open_index(kind, saved(kind))) == len(ids), "what was saved first has not changed"


def test_deletion_alone_links_the_vectors_and_many_deletions_drop_them(file_kind, saved, tmp_path):
    ids, _, queries = clustered()
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    index = open_index(file_kind, saved(file_kind))
    index.delete(ids[:100])
    index.save(few)
    assert (few / "vectors.npy").samefile(saved(file_kind) / "vectors.npy")
    index.delete(ids[:9_000])
    index.save(many)
    assert np.load(many / "vectors.npy", mmap_mode="r").shape == (1_500, 32)
    wanted = large("exact").search(queries, 5, ids[9_000:])[0]
    assert overlap(open_index(file_kind, many).search(queries, 5)[0], wanted) >= 0.95


def test_damage_is_named(file_kind, saved, tmp_path):
    with pytest.raises(StoreError, match="holds an index already"):
        large(file_kind).save(saved(file_kind))
    with pytest.raises(StoreError, match="index the data again"):
        open_index(file_kind, tmp_path)
    small(file_kind).save(tmp_path)
    np.save(tmp_path / "ids-ends.npy", np.array([4]))
    with pytest.raises(StoreError, match="do not agree"):
        open_index(file_kind, tmp_path)
    (tmp_path / "vectors.npy").write_bytes((tmp_path / "vectors.npy").read_bytes()[:-4])
    with pytest.raises(StoreError, match="cannot be read"):
        open_index(file_kind, tmp_path)


def plain_ranking(ids, vectors, query, k, allowed):
    """The oracle's oracle: one float64 product a row, rounded to float32, sorted twice."""
    scores = {
        one: np.float32(np.dot(row.astype(float), query.astype(float))) for one, row in zip(ids, vectors, strict=True)
    }
    order = sorted((one for one in ids if one in allowed), reverse=True)
    return sorted(order, key=lambda one: -scores[one])[:k]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 40), k=st.integers(1, 50), dim=st.sampled_from([1, 2, 7]))
def test_exact_agrees_with_a_plain_loop_under_many_ties(seed, n, k, dim):
    random = np.random.default_rng(seed)
    grid = np.array([v for v in np.ndindex(*[3] * dim) if any(x != 1 for x in v)][:500], float) - 1
    vectors, queries = unit(grid[random.integers(len(grid), size=n)]), unit(grid[random.integers(len(grid), size=3)])
    ids = [f"{number:x}" for number in random.permutation(n * 7)[:n]]
    allowed = set(random.permutation(ids)[: random.integers(1, n + 1)].tolist())
    index = create_index("exact", dim)
    index.add(ids, vectors)
    found, _ = index.search(queries, k, allowed)
    assert found == [plain_ranking(ids, vectors, query, k, allowed) for query in queries]
