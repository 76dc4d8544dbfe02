"""The log of a run: JSON lines that a resumed run takes up where its state stands, and TensorBoard's events."""

import builtins
import errno
import json
import sys
from pathlib import Path

import pytest

from mirante.errors import MissingLibrary, StoreError
from mirante.training.journal import Journal


def lines(folder):
    return (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()


def test_news_is_one_line_each(tmp_path):
    journal = Journal(tmp_path / "run", 0)
    journal.write(20, {"loss": 2.5})
    journal.write(40, {"loss": 1.5, "rate": 0.1})
    assert lines(tmp_path / "run") == ['{"step": 20, "loss": 2.5}', '{"step": 40, "loss": 1.5, "rate": 0.1}']


def test_a_resumed_run_drops_what_came_after_its_state(tmp_path):
    journal = Journal(tmp_path, 0)
    for step in (20, 40, 40, 60):
        journal.write(step, {"loss": 1.0})
    Journal(tmp_path, 40).write(60, {"loss": 0.5})
    assert [json.loads(line)["step"] for line in lines(tmp_path)] == [20, 40, 40, 60]
    assert lines(tmp_path)[-1] == '{"step": 60, "loss": 0.5}'


def test_a_run_from_its_beginning_starts_a_new_log(tmp_path):
    Journal(tmp_path, 0).write(20, {"loss": 1.0})
    Journal(tmp_path, 0)
    assert lines(tmp_path) == []


@pytest.mark.parametrize("cut", ['{"step": 40, "lo', "{", '{"loss": 1.0}', "[]", "\x00\x00\x00"])
def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path, cut):
    (tmp_path / "log.jsonl").write_text('{"step": 20, "loss": 2.0}\n' + cut, encoding="utf-8")
    Journal(tmp_path, 40).write(60, {"loss": 0.5})
    assert lines(tmp_path) == ['{"step": 20, "loss": 2.0}', '{"step": 60, "loss": 0.5}']


def test_a_letter_cut_in_half_by_a_kill_is_dropped_with_its_line(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(b'{"step": 20, "loss": 2.0}\n{"step": 40, "\xc3')
    Journal(tmp_path, 40)
    assert lines(tmp_path) == ['{"step": 20, "loss": 2.0}']


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    journal = Journal(tmp_path, 0)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreError, match=r"The disk is full: .*log\.jsonl"):
        journal.write(20, {"loss": 1.0})


def events(folder):
    """(tag, step, value) of each scalar, in the order of writing."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    told = [(tag, one.step, one.value) for tag in read.Tags()["scalars"] for one in read.Scalars(tag)]
    return sorted(told, key=lambda one: (one[1], one[0]))


def test_tensorboard_gets_every_number_and_forgets_what_came_after_the_state(tmp_path):
    pytest.importorskip("tensorboard")
    journal = Journal(tmp_path, 0, tensorboard=True)
    for step in (20, 40, 60):
        journal.write(step, {"loss": step / 8, "retain hit_rate@1": 0.5})
    again = Journal(tmp_path, 40, tensorboard=True)
    again.write(60, {"loss": 1.0})
    found = events(tmp_path / "tensorboard")
    assert [(step, value) for tag, step, value in found if tag == "loss"] == [(20, 2.5), (40, 5.0), (60, 1.0)]
    assert [(step, value) for tag, step, value in found if "hit_rate" in tag] == [(20, 0.5), (40, 0.5)]


def test_without_tensorboard_no_events_are_written(tmp_path):
    Journal(tmp_path, 0).write(20, {"loss": 1.0})
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_asking_for_tensorboard_where_it_is_not_installed_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name, *given, **named):
        if name.startswith(("tensorboard", "torch.utils.tensorboard")):
            raise ModuleNotFoundError(name)
        return real(name, *given, **named)

    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingLibrary, match=r"pip install 'mirante\[tensorboard\]'"):
        Journal(tmp_path, 0, tensorboard=True)
