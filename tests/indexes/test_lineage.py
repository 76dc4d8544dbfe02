"""Keys of rows in an engine: a segment drawn at random, and a place there."""

import json

import numpy as np
import pytest

from mirante.errors import StoreError
from mirante.indexes import _lineage
from mirante.indexes._lineage import Lineage, load

EMPTY = Lineage("pgvector", "host/db", "mirante_" + "0" * 32, 4)


def test_numbers_become_keys_and_come_back():
    one, first = EMPTY.grown(3)
    both, second = one.grown(2)
    assert (one.total, both.total, EMPTY.total) == (3, 5, 0)
    assert both.keys(np.array([4, 0, 3])).tolist() == [second[1], first[0], second[0]]
    assert both.numbers(np.array([[second[1], first[2]], [first[0], -1]])).tolist() == [[4, 2], [0, -1]]


def test_keys_of_others_are_nobodys():
    one, first = EMPTY.grown(3)
    _, other = EMPTY.grown(3)
    assert one.numbers(np.concatenate((first, other))).tolist() == [0, 1, 2, -1, -1, -1]
    assert one.numbers(first[-1:] + 1).tolist() == [-1], "one place after the last"
    assert EMPTY.numbers(first).tolist() == [-1, -1, -1]


def test_a_segment_holds_so_many_rows(monkeypatch):
    monkeypatch.setattr(_lineage, "_SEGMENT", 4)
    lineage, keys = EMPTY.grown(10)
    assert lineage.sizes == (4, 4, 2)
    assert len(set(keys.tolist())) == 10
    assert keys.min() > 0


def test_a_state_is_read_as_it_was_written(tmp_path):
    grown = EMPTY.grown(3)[0]
    state = grown.begun_anew().grown(2)[0]
    state.save(tmp_path)
    assert load(tmp_path, "pgvector") == state
    assert state.superseded == _lineage.Superseded(grown.collection, grown.segments)
    with pytest.raises(StoreError, match="holds an index already"):
        state.save(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "milvus"}, "tells of rows in 'milvus', not in 'pgvector'"),
        ({"collection": "users; DROP TABLE users"}, "is damaged"),
        ({"superseded": {"collection": "users", "segments": []}}, "is damaged"),
        ({"sizes": [3, 1]}, "is damaged"),
        ({"sizes": [0]}, "is damaged"),
        ({"collection": ""}, "is damaged"),
        ({"dim": 0}, "is damaged"),
        ({"dim": "4"}, "cannot be read"),
        ({"rows": 3}, "cannot be read"),
    ],
)
def test_a_wrong_state_is_named(tmp_path, change, message):
    EMPTY.grown(3)[0].save(tmp_path)
    file = tmp_path / "engine.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(StoreError, match=message):
        load(tmp_path, "pgvector")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"engine": "pgvector"'])
def test_a_damaged_state_is_named(tmp_path, text):
    (tmp_path / "engine.json").write_text(text)
    with pytest.raises(StoreError, match="index the data again"):
        load(tmp_path, "pgvector")
