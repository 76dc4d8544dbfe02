"""Exact ranking in blocks, and the table of rows: memory stays bounded and no border shows."""

import mmap
import subprocess
import sys

import numpy as np
import pytest

from mirante.errors import StoreError
from mirante.indexes import _ranking, _rows, create_index, open_index
from mirante.indexes._structures import library


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def many():
    """5,000 rows of which 100 are one row repeated, spread over all blocks; 30 queries, the first is that row."""
    random = np.random.default_rng(1)
    vectors = unit(random.normal(size=(5_000, 24)))
    vectors[::50] = vectors[0]
    queries = unit(random.normal(size=(30, 24)))
    queries[0] = vectors[0]
    return [f"{number:04}" for number in range(5_000)], vectors, queries


@pytest.mark.parametrize("k", [1, 10, 99, 1_500, 5_000])
def test_small_blocks_give_what_one_sort_gives(many, monkeypatch, k):
    ids, vectors, queries = many
    monkeypatch.setattr(_ranking, "_QUERIES", 7)
    monkeypatch.setattr(_ranking, "_CELLS", 1)  # blocks of 1,024 rows, the least
    monkeypatch.setattr(_ranking, "_PAIRS", 480)
    index = create_index("exact", 24)
    for start in range(0, 5_000, 617):
        index.add(ids[start : start + 617], vectors[start : start + 617])
    found, scores = index.search(queries, k)
    true = (queries.astype(float) @ vectors.T.astype(float)).astype(np.float32)
    wanted = np.lexsort((-np.arange(5_000) + np.zeros((30, 1)), -true), axis=1)[:, :k]
    assert found == [[ids[at] for at in row] for row in wanted]
    np.testing.assert_allclose(scores, np.take_along_axis(true, wanted, 1), atol=1e-7)


def test_the_repeated_row_fills_the_first_hundred_places_by_id(many):
    ids, vectors, queries = many
    index = create_index("exact", 24)
    index.add(ids, vectors)
    found, scores = index.search(queries[:1], 101)
    assert found[0][:100] == sorted(ids[::50], reverse=True)
    assert len(set(scores[0, :100].tolist())) == 1
    assert scores[0, 100] < scores[0, 99]


@pytest.mark.parametrize("k", [10, 99, 101])
def test_flat_faiss_finds_the_right_ones_among_more_equal_rows_than_it_looks_at(many, k):
    ids, vectors, queries = many
    index = create_index("faiss-flat", 24)
    index.add(ids, vectors)
    assert index.search(queries[:1], k)[0][0][:100] == sorted(ids[::50], reverse=True)[:k]


def test_the_margin_covers_the_error_of_float32_products():
    random = np.random.default_rng(2)
    left, right = unit(random.normal(size=(300, 1_152))), unit(random.normal(size=(300, 1_152)))
    error = np.abs((left @ right.T).astype(float) - left.astype(float) @ right.T.astype(float)).max()
    assert 0 < 2 * error < _ranking.slack(1_152)


def test_rows_on_disk_and_in_memory_are_one_table(tmp_path):
    east, north, west = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    first = _rows.Rows.empty(2)
    first.add(["a", "b"], np.stack([east, north]))
    first.save(tmp_path)
    table = _rows.Rows.open(tmp_path)
    table.add(["c"], west[None])
    table.delete(["a"])
    np.testing.assert_array_equal(table.take(np.array([2, 0, 1])), [west, east, north])
    assert table.names(table.living()) == ["b", "c"]
    np.testing.assert_array_equal(table.compacted().take(np.array([0, 1])), [north, west])


def test_below_its_minimum_a_structure_is_not_built_and_says_so():
    index = create_index("faiss-ivf-pq", 2)
    index.add(["a"], np.array([[1, 0]], np.float32))
    assert index.describe() == {"structure": "exact", "rows": 1, "deleted": 0, "structure_from_rows": 10_000}


def test_lists_are_sized_to_the_rows_and_trained_again_after_fourfold_growth():
    vectors = unit(np.random.default_rng(3).normal(size=(4_200, 8)))
    ids = [str(number) for number in range(4_200)]
    index = create_index("faiss-ivf-flat", 8)
    index.add(ids[:1_000], vectors[:1_000])
    assert index.describe()["lists"] == 1_000 // 39
    index.add(ids[1_000:3_800], vectors[1_000:3_800])
    assert index.describe()["lists"] == 1_000 // 39
    index.add(ids[3_800:], vectors[3_800:])
    assert index.describe()["lists"] == 4_200 // 39


def test_opening_reads_neither_rows_nor_ids_nor_lists(tmp_path):
    vectors = unit(np.random.default_rng(4).normal(size=(1_200, 8)))
    index = create_index("faiss-ivf-flat", 8)
    index.add([str(number) for number in range(1_200)], vectors)
    index.save(tmp_path)
    opened = open_index("faiss-ivf-flat", tmp_path)
    lists = library().downcast_InvertedLists(opened._structure.made.invlists)
    assert isinstance(lists, library().OnDiskInvertedLists)
    assert isinstance(opened._rows._base.base, mmap.mmap | np.memmap)
    assert isinstance(opened._rows._ids._saved.text.base, mmap.mmap | np.memmap)
    assert opened.search(vectors[:50], 3)[0] == index.search(vectors[:50], 3)[0]


def test_the_rows_that_live_are_kept_for_the_next_search_and_mixed_up_with_no_filter(many):
    ids, vectors, queries = many
    index = create_index("faiss-flat", 24)
    index.add(ids, vectors)

    def nearest(allowed):
        return [max((vectors[int(one)] @ query, one) for one in allowed)[1] for query in queries[1:]]

    index.delete(ids[:1000])
    for allowed in (ids[1000:], ids[1000:4000], ids[1000:]):
        given = None if len(allowed) == 4000 else allowed
        assert [one for (one,) in index.search(queries[1:], 1, given)[0]] == nearest(allowed)
    index.delete(ids[1000:1500])
    assert [one for (one,) in index.search(queries[1:], 1)[0]] == nearest(ids[1500:])


def test_a_missing_structure_is_named(tmp_path):
    index = create_index("faiss-flat", 2)
    index.add(["a"], np.array([[1, 0]], np.float32))
    index.save(tmp_path)
    (tmp_path / "faiss.index").write_bytes(b"not an index")
    with pytest.raises(StoreError, match="cannot be read as a faiss index"):
        open_index("faiss-flat", tmp_path)
    (tmp_path / "faiss.index").unlink()
    with pytest.raises(StoreError, match=r"faiss\.index' is missing"):
        open_index("faiss-flat", tmp_path)


def test_exact_search_and_the_list_of_kinds_load_no_other_library():
    script = (
        "import sys, mirante.indexes as i; i.kinds(); i.create_index('exact', 2); import mirante.search;"
        "sys.exit(' '.join({'torch', 'faiss', 'transformers', 'pymilvus', 'psycopg', 'grpc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) in ((0, ""), (1, "\n")), done.stderr
