"""States whose rows lie in an engine: killed writers, forks, compaction, and what is left behind."""

import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from mirante.errors import StoreError
from mirante.indexes import _engines, _remote, _unsaved, create_index, open_index
from mirante.indexes._lineage import FILE
from real_engines import REMOTE, MilvusServer

pytestmark = pytest.mark.server
COUNT, DIM = 40, 8


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


IDS = tuple(f"row{at:02}" for at in range(COUNT))
ROWS = unit(np.random.default_rng(0).normal(size=(COUNT, DIM)))
EAST, NORTH = np.eye(DIM, dtype=np.float32)[:2, None]


@pytest.fixture
def saved(engine_kind, tmp_path):
    """The folder of an index of 40 rows."""
    index = create_index(engine_kind, DIM)
    index.add(IDS, ROWS)
    return save(index, tmp_path / "saved")


def save(index, folder):
    folder.mkdir()
    index.save(folder)
    return folder


def state(folder):
    return json.loads((folder / FILE).read_text(encoding="utf-8"))


def best(index, row, k=1):
    return index.search(row, k)[0][0]


def holds(index, ids):
    """Whether an index holds these of the 40 rows and nothing else, as `exact` finds them."""
    exact = create_index("exact", DIM)
    exact.add(ids, ROWS[[IDS.index(one) for one in ids]])
    found, scores = index.search(ROWS, COUNT)
    wanted, true = exact.search(ROWS, COUNT)
    return len(index) == len(ids) and found == wanted and np.array_equal(scores, true)


# Makes an index of 40 rows and saves it; then changes it and kills itself: between two parts of what it adds, between
# rows and state, or while rows are copied into a collection of their own.
SCRIPT = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    import numpy as np
    from mirante.indexes import _remote, create_index, open_index
    from mirante.indexes._lineage import Lineage

    kind, folder, moment = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    rows = np.load(folder / "rows.npy")
    ids = [f"row{at:02}" for at in range(len(rows))]
    index = create_index(kind, rows.shape[1])
    index.add(ids, rows)
    index.save(folder / "saved")
    writer = open_index(kind, folder / "saved")
    die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    engine = type(writer._engine)
    if moment == "insert":
        _remote.step_for = lambda dim: 3
        real, parts = engine.insert, []
        engine.insert = lambda *a: die() if parts else (real(*a), parts.append(1))
        writer.add(ids[:7], -rows[:7])
    if moment == "save":
        writer.add(["row00", "new"], -rows[:2])
        Lineage.save = die
        writer.save(folder / "half")
    if moment == "compaction":
        writer.delete(ids[:30])
        engine.settle = die
        writer.save(folder / "half")
""")


@pytest.mark.parametrize("case", [*REMOTE, *(f"{one}@server" for one in REMOTE if one.startswith("milvus"))])
@pytest.mark.parametrize("moment", ["insert", "save", "compaction"])
def test_a_killed_writer_leaves_the_old_state_and_the_next_one_works(case, moment, located, monkeypatch, tmp_path):
    kind = located(case)
    if case.startswith("milvus") and "@" not in case:  # the file of a process that is gone, opened by another
        monkeypatch.setenv("MIRANTE_MILVUS_URI", str(tmp_path / "own.db"))
    for name in ("saved", "half", "after"):
        (tmp_path / name).mkdir()
    np.save(tmp_path / "rows.npy", ROWS)
    command = [sys.executable, "-c", SCRIPT, kind, str(tmp_path), moment]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr

    index = open_index(kind, tmp_path / "saved")
    assert holds(index, IDS)
    index.delete(IDS[:1])
    index.add(["east"], EAST)
    index.save(tmp_path / "after")
    again = open_index(kind, tmp_path / "after")
    assert (len(again), best(again, EAST)) == (COUNT, ["east"])
    assert IDS[0] not in best(again, ROWS[:1], COUNT)
    assert holds(open_index(kind, tmp_path / "saved"), IDS)


def test_two_who_go_on_from_one_state_do_not_disturb_each_other(engine_kind, saved, tmp_path):
    one, other = (open_index(engine_kind, saved) for _ in range(2))
    one.add(["row00", "one"], np.concatenate((EAST, NORTH)))
    other.add(["row00", "other"], np.concatenate((NORTH, EAST)))
    other.delete(["row01"])
    folders = [save(one, tmp_path / "one"), save(other, tmp_path / "other")]
    for first, second in ((one, other), (open_index(engine_kind, at) for at in folders)):
        assert (best(first, EAST), best(first, NORTH), len(first)) == (["row00"], ["one"], COUNT + 1)
        assert (best(second, EAST), best(second, NORTH), len(second)) == (["other"], ["row00"], COUNT)
    assert holds(open_index(engine_kind, saved), IDS)


def test_many_deletions_move_the_rest_and_what_they_left_goes_one_change_later(engine_kind, saved, tmp_path):
    index = open_index(engine_kind, saved)
    index.delete(IDS[:10])
    few = save(index, tmp_path / "few")
    assert state(few)["collection"] == state(saved)["collection"], "a quarter is struck out and stays"

    index.delete(IDS[10:11])
    many = save(index, tmp_path / "many")
    assert state(many)["superseded"]["collection"] == state(saved)["collection"] != state(many)["collection"]
    assert sum(state(many)["sizes"]) == COUNT - 11
    assert holds(index, IDS[11:])
    assert holds(open_index(engine_kind, few), IDS[10:]), "who still reads the state before is not disturbed"

    moved = open_index(engine_kind, many)
    moved.delete(IDS[11:12])
    assert state(save(moved, tmp_path / "later"))["superseded"] is None
    assert holds(open_index(engine_kind, tmp_path / "later"), IDS[12:])
    with pytest.raises(StoreError, match=r"The rows of .*saved' are not in .*index the data again"):
        open_index(engine_kind, saved)


def test_a_collection_in_which_another_wrote_is_left_to_it(engine_kind, saved, tmp_path):
    index, other = (open_index(engine_kind, saved) for _ in range(2))
    other.add(["other"], EAST)
    save(other, tmp_path / "other")
    index.delete(IDS[:20])
    save(index, tmp_path / "moved")
    save(open_index(engine_kind, tmp_path / "moved"), tmp_path / "later")
    assert best(open_index(engine_kind, tmp_path / "other"), EAST) == ["other"]


def test_an_emptied_index_is_filled_again(engine_kind, saved, tmp_path):
    index = open_index(engine_kind, saved)
    index.delete(IDS)
    empty = open_index(engine_kind, save(index, tmp_path / "empty"))
    assert (len(empty), best(empty, EAST), state(tmp_path / "empty")["collection"]) == (0, [], "")
    empty.add(IDS, ROWS)
    assert holds(open_index(engine_kind, save(empty, tmp_path / "full")), IDS)


def test_what_was_never_saved_is_deleted(engine_kind, saved):
    made, changed = create_index(engine_kind, DIM), open_index(engine_kind, saved)
    made.add(["a"], EAST)
    changed.add(["a"], EAST)
    engine, name, ours = made._engine, made._lineage.collection, state(saved)
    assert engine.has(name)
    assert engine.foreign(ours["collection"], ours["segments"])
    del made, changed
    gc.collect()
    _unsaved.sweep()
    assert not engine.has(name)
    assert not engine.foreign(ours["collection"], ours["segments"])
    assert holds(open_index(engine_kind, saved), IDS)


def test_rows_that_others_deleted_are_missed(engine_kind, saved):
    index = open_index(engine_kind, saved)
    index._engine.forget(state(saved)["collection"], state(saved)["segments"])
    with pytest.raises(StoreError, match=r"rows of the index are gone from 'mirante_.*index the data again"):
        index.search(EAST, 5)
    with pytest.raises(StoreError, match=r"1 rows of the index are gone"):
        index.vectors(["row07"])


@pytest.mark.parametrize("k", [1, 10, 99, 101])
def test_more_equal_rows_than_an_engine_is_asked_for_are_ordered_by_id(engine_kind, k):
    rows = unit(np.random.default_rng(1).normal(size=(300, DIM)))
    rows[::3] = rows[0]
    index, exact = create_index(engine_kind, DIM), create_index("exact", DIM)
    for one in (index, exact):
        one.add([f"row{at:03}" for at in range(300)], rows)
    found, scores = index.search(rows[:3], k)
    wanted, true = exact.search(rows[:3], k)
    assert found == wanted
    np.testing.assert_array_equal(scores, true)


def test_keys_are_sent_in_turn_and_rows_in_parts(engine_kind, monkeypatch, tmp_path):
    monkeypatch.setattr(_remote, "_KEYS", 3)
    monkeypatch.setattr(_engines, "_CELLS", 7 * DIM)
    index, exact = create_index(engine_kind, DIM), create_index("exact", DIM)
    for one in (index, exact):
        one.add(IDS, ROWS)
        one.delete(IDS[3:4])
    for k, allowed in ((2, IDS[:8]), (8, IDS[1:9]), (5, IDS[20:25])):
        found, scores = index.search(ROWS, k, allowed)
        wanted, true = exact.search(ROWS, k, allowed)
        assert found == wanted
        np.testing.assert_array_equal(scores, true)
    assert holds(open_index(engine_kind, save(index, tmp_path / "saved")), IDS[:3] + IDS[4:])


@pytest.mark.parametrize("case", ["milvus-flat", "milvus-flat@server"])
def test_more_results_than_an_engine_gives_are_found_by_comparing_all_rows(case, located, monkeypatch):
    monkeypatch.setattr("mirante.indexes.milvus._MOST", 20)
    index = create_index(located(case), DIM)
    index.add(IDS, ROWS)
    assert holds(index, IDS)


def test_ids_and_segments_must_agree(engine_kind, saved):
    document = state(saved)
    (saved / FILE).write_text(json.dumps({**document, "sizes": [COUNT - 1]}))
    with pytest.raises(StoreError, match=r"do not agree \(39 rows for 40 ids\)"):
        open_index(engine_kind, saved)


@pytest.mark.parametrize(
    ("kind", "variable", "address"),
    [
        ("pgvector-flat", "MIRANTE_POSTGRES_URI", "postgresql://ana:sesame@127.0.0.1:1/db"),
        ("milvus-flat", "MIRANTE_MILVUS_URI", "http://ana:sesame@127.0.0.1:1"),
    ],
)
def test_an_engine_that_does_not_answer_is_named_without_its_password(kind, variable, address, monkeypatch):
    monkeypatch.setenv(variable, address)
    monkeypatch.setattr("mirante.indexes.milvus._SECONDS", 3)
    with pytest.raises(StoreError, match=rf"127\.0\.0\.1:1.* cannot be reached.*{variable}") as error:
        create_index(kind, DIM).add(["a"], EAST)
    assert "sesame" not in str(error.value)


def test_a_server_that_goes_away_is_told_and_taken_up_again(monkeypatch, tmp_path):
    monkeypatch.setattr("mirante.indexes.milvus._SECONDS", 3)
    server = MilvusServer(tmp_path)
    monkeypatch.setenv("MIRANTE_MILVUS_URI", server.uri)
    with server:
        index = create_index("milvus-flat", DIM)
        index.add(IDS, ROWS)
        folder = save(index, tmp_path / "saved")
    with pytest.raises(StoreError, match="does not answer"):
        index.search(EAST, 1)
    with server:
        assert holds(opened("milvus-flat", folder), IDS)


def opened(kind, folder, seconds=60):
    """An index whose server has just come back: its client looks for it again after a while."""
    end = time.monotonic() + seconds
    while True:
        try:
            return open_index(kind, folder)
        except StoreError:
            if time.monotonic() > end:
                raise


def test_connections_that_were_cut_are_made_anew(located, tmp_path):
    index = create_index(located("pgvector-flat"), DIM)
    index.add(IDS, ROWS)
    save(index, tmp_path / "saved")
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname <> ''"
    postgres = index._engine._postgres
    kept = postgres._connect()
    kept.execute(others)
    kept.close()
    assert holds(index, IDS)


@pytest.mark.parametrize("case", ["pgvector-flat", "milvus-flat@server"])
def test_no_file_and_no_description_has_the_password(case, located, monkeypatch, tmp_path):
    kind = located(case)
    for variable in ("MIRANTE_POSTGRES_URI", "MIRANTE_MILVUS_URI"):
        monkeypatch.setenv(variable, with_password(variable))
    monkeypatch.setenv("MIRANTE_MILVUS_TOKEN", "ana:sesame")
    index = create_index(kind, DIM)
    index.add(IDS, ROWS)
    folder = save(index, tmp_path / "saved")
    assert holds(open_index(kind, folder), IDS)
    written = b"".join(file.read_bytes() for file in folder.iterdir()) + repr(index.describe()).encode()
    assert b"collection" in written
    assert b"sesame" not in written


def with_password(variable):
    address = os.environ.get(variable, "")
    return address.replace("postgres:@", "postgres:sesame@").replace("http://", "http://ana:sesame@")


def test_a_file_that_another_program_holds_is_named(monkeypatch, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    file = tmp_path / "held.db"
    file.mkdir()
    monkeypatch.setenv("MIRANTE_MILVUS_URI", str(file))
    with (file / "LOCK").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match=r"held\.db' cannot be opened .*milvus-lite server --data-dir"):
            create_index("milvus-flat", DIM)
    assert len(create_index("milvus-flat", DIM)) == 0
