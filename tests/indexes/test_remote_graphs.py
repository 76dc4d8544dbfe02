"""Graphs of real engines: what they overlook is measured and tuned, and what a filter hides from them is found."""

import numpy as np
import pytest

from mirante.errors import UsageError
from mirante.indexes import build_index, create_index, exact, open_index
from mirante.indexes import pgvector as component
from mirante.types import Embeddings, Provenance

pytestmark = pytest.mark.server
COUNT, DIM = 3_000, 16


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def data():
    """3,000 rows in 60 loose clusters, and 200 queries near the clusters."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(60, DIM))
    rows = unit(centres[np.arange(COUNT) % 60] + 0.7 * random.normal(size=(COUNT, DIM)))
    queries = unit(centres[np.arange(200) % 60] + 0.7 * random.normal(size=(200, DIM)))
    return Embeddings(tuple(f"row{at:04}" for at in range(COUNT)), rows, Provenance("toy", "r", "p")), queries


@pytest.mark.parametrize("case", ["pgvector-hnsw", "milvus-hnsw"])
def test_a_graph_is_measured_tuned_and_kept(case, located, data, tmp_path):
    rows, queries = data
    built = build_index(located(case), rows, captions=queries, recall=0.95)
    tuned = built.attempts[-1].tuned
    assert built.kind == case
    assert tuned.recall >= 0.95
    built.index.save(tmp_path)
    again = open_index(case, tmp_path)
    described = again.describe()
    assert (described["structure"], described["recall"]) == ("hnsw", tuned.recall)
    assert (described["candidates"], described["rows"]) == (tuned.effort.reach, COUNT)
    assert again.search(queries, 10)[0] == built.index.search(queries, 10)[0]


@pytest.mark.parametrize("case", ["pgvector-hnsw", "milvus-hnsw"])
def test_few_rows_are_compared_one_by_one(case, located, data):
    rows, queries = data
    index = create_index(located(case), DIM)
    index.add(rows.ids[:1000], rows.vectors[:1000])
    assert (index.efforts, index.describe()["structure"]) == ((), "exact")
    wanted, scores = exact.over(rows.ids[:1000], rows.vectors[:1000]).search(queries, 10)
    found, true = index.search(queries, 10)
    assert found == wanted
    np.testing.assert_array_equal(true, scores)


def test_the_planner_takes_the_graph_and_leaves_it_aside_where_all_rows_count(located, data):
    rows, queries = data
    index = create_index(located("pgvector-hnsw"), DIM)
    index.add(rows.ids, rows.vectors)
    engine, lineage = index._engine, index._lineage

    def plan(reach):
        def work(cursor):
            for setting, value in engine._settings(reach).items():
                cursor.execute("SELECT set_config(%s, %s, true)", (setting, value))
            statement = component._sql(f"EXPLAIN {component._NEAREST}", lineage.collection)
            query = component._literal(queries[0])
            given = {"segments": list(lineage.segments), "ask": 10, "query": query}
            return str(cursor.execute(statement, given).fetchall())

        return engine._postgres.run(work)

    assert f"{lineage.collection}_hnsw" in plan(128)
    assert "hnsw" not in plan(0)


def test_a_filter_that_the_graph_hardly_meets_still_gives_its_k(located, data):
    """Rows of one cluster, asked for from the other side of the sphere: the graph gives up before it meets them."""
    rows, _ = data
    index = create_index(located("pgvector-hnsw"), DIM)
    index.add(rows.ids, rows.vectors)
    index.try_effort(index.efforts[0][0])
    order = np.argsort(rows.vectors @ rows.vectors[0])
    allowed = [rows.ids[at] for at in order[:1100]]
    found, scores = index.search(rows.vectors[:1], 1050, allowed)
    wanted, true = exact.over(rows.ids, rows.vectors).search(rows.vectors[:1], 1050, allowed)
    assert len(found[0]) == 1050
    assert len(set(found[0]) & set(wanted[0])) >= 1000
    assert np.isfinite(scores).all()
    assert (scores <= true).all()


def test_rows_too_wide_for_the_graph_are_refused(located):
    index = create_index(located("pgvector-hnsw"), 2001)
    with pytest.raises(UsageError, match=r"at most 2000 columns, not 2001: use --kind pgvector-flat"):
        index.add(["a"], np.eye(1, 2001, dtype=np.float32))
