"""What was never saved is deleted when a program ends, also of indexes that are in use until then."""

import gc
import weakref

import pytest

from mirante.indexes import _unsaved
from mirante.indexes._unsaved import Unsaved


class Noted:
    """An engine that notes what it is told to delete."""

    def __init__(self, outlives=True):
        self.outlives, self.deleted = outlives, []

    def drop(self, name):
        self.deleted.append(name)

    def forget(self, name, segments):
        self.deleted.append((name, segments))


class Index:
    def __init__(self, engine):
        self.unsaved = Unsaved(engine)
        self.unsaved.collections.append("made")
        self.unsaved.segments += [("made", (1,)), ("older", (2,))]
        weakref.finalize(self, _unsaved.give_up, self.unsaved)


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch):
    monkeypatch.setattr(_unsaved, "_IN_USE", set())
    monkeypatch.setattr(_unsaved, "_GIVEN_UP", type(_unsaved._GIVEN_UP)())


def test_what_was_given_up_is_swept_by_the_next_save():
    engine = Noted()
    Index(engine)
    gc.collect()
    assert engine.deleted == []
    _unsaved.sweep()
    assert engine.deleted == ["made", ("older", (2,))]


def test_the_end_sweeps_indexes_in_use_where_somebody_still_answers():
    lasting, ending = Noted(), Noted(outlives=False)
    kept = [Index(lasting), Index(ending)]
    _unsaved.sweep()
    assert lasting.deleted == []
    _unsaved._sweep_last()
    assert (lasting.deleted, ending.deleted, len(kept)) == (["made", ("older", (2,))], [], 2)


def test_what_was_saved_stays():
    engine = Noted()
    kept = Index(engine)
    kept.unsaved.clear()
    _unsaved._sweep_last()
    assert engine.deleted == []
