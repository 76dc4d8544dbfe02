"""The state of a run: all that the next step depends on, put back to the bit; whole at every moment."""

import errno
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mirante.errors import StoreError
from mirante.training import state
from mirante.training.muon import Muon
from mirante.training.state import Position, Store, newest, position


class Parts(nn.Module):
    """A trained layer, a frozen one, and an objective with a buffer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.free, self.locked = nn.Linear(3, 3), nn.Linear(3, 3).requires_grad_(False)


class Score(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("seen", torch.zeros(2, dtype=torch.int64))


class Neighbours:
    """Another part of the state."""

    def __init__(self):
        self.found = torch.zeros(4, dtype=torch.int64)

    def tensors(self):
        return {"neighbours": self.found}

    def restore(self, kept):
        self.found = kept["neighbours"]


def made(folder):
    """A small run: module, objective, both optimisers, a third part, and the store of all."""
    module, objective, more = Parts(), Score(), Neighbours()
    groups = [{"params": [module.free.bias, objective.scale], "lr": 0.1}]
    optimisers = [Muon([module.free.weight], lr=0.1, weight_decay=0.1), torch.optim.AdamW(groups, betas=(0.9, 0.98))]
    return module, objective, optimisers, more, Store(folder, module, objective, optimisers, [more])


def steps(run, count):
    """So many steps after which everything has moved."""
    module, objective, optimisers, more, _ = run
    for number in range(count):
        (objective.scale * module.free(torch.ones(2, 3) + number)).square().sum().backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        objective.seen += 1
        more.found += 2


def everything(run):
    module, objective, optimisers, more, _ = run
    kept = {**module.state_dict(), **objective.state_dict(), "neighbours": more.found}
    for number, optimiser in enumerate(optimisers):
        for index, memory in optimiser.state_dict()["state"].items():
            kept |= {f"{number} {index} {name}": value for name, value in memory.items()}
    return {name: torch.as_tensor(value).clone() for name, value in kept.items()}


def same(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(value, other[name]) and value.dtype == other[name].dtype for name, value in one.items()
    )


def test_a_restored_run_goes_on_as_if_it_had_never_stopped(tmp_path):
    run, fresh = made(tmp_path), made(tmp_path)
    steps(run, 3)
    run[4].save(Position(step=3))
    assert fresh[4].load() == Position(step=3)
    assert same(everything(fresh), everything(run))
    for one in (run, fresh):
        steps(one, 4)
    assert same(everything(fresh), everything(run))


def test_where_nothing_was_kept_a_run_starts_at_step_0(tmp_path):
    assert made(tmp_path / "none")[4].load() == Position()


def test_a_position_is_kept_to_the_bit(tmp_path):
    run, now = made(tmp_path), Position(step=7, seconds=0.1 + 0.2, loss=1 / 3, best=2 / 3, stale=2)
    run[4].save(now)
    assert run[4].load() == now


def test_only_the_newest_state_is_kept(tmp_path):
    run = made(tmp_path)
    for step in (9, 10, 100):
        run[4].save(Position(step=step))
    assert [path.name for path in tmp_path.iterdir()] == ["state-00000100"]


def test_the_frozen_layer_is_not_kept(tmp_path):
    run, fresh = made(tmp_path), made(tmp_path)
    run[4].save(Position(step=1))
    with torch.no_grad():
        fresh[0].locked.weight.fill_(5)
    fresh[4].load()
    assert fresh[0].locked.weight.eq(5).all()


def test_the_running_loss_is_the_first_and_then_a_twentieth_of_each():
    now = Position().after(8.0, 1.0)
    assert now == Position(step=1, seconds=1.0, loss=8.0)
    assert now.after(4.0, 3.0) == Position(step=2, seconds=3.0, loss=0.95 * 8 + 0.05 * 4)


def test_validations_in_vain_are_counted_from_the_best_one():
    best = Position(stale=3).judged(0.5, best=True)
    assert best == Position(best=0.5, stale=0)
    assert best.judged(0.4, best=False).judged(0.3, best=False) == replace(best, stale=2)


def test_a_state_of_other_weights_is_refused(tmp_path):
    made(tmp_path)[4].save(Position(step=1))
    other = made(tmp_path)
    other[0].locked.requires_grad_(True)
    with pytest.raises(StoreError, match=r"is of another model .* another `out`, or restart it"):
        other[4].load()


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def dies(*_, **__):
    raise KeyboardInterrupt


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("where", "name"), [(state, "save_file"), (Path, "write_text"), (Path, "rename")])
def test_a_full_disk_is_one_error_and_leaves_the_state_before(tmp_path, monkeypatch, where, name):
    run = made(tmp_path)
    run[4].save(Position(step=1))
    before = everything(run)
    steps(run, 1)
    monkeypatch.setattr(where, name, no_space)
    with pytest.raises(StoreError, match=r"The disk is full: .*state-00000002.*free some space"):
        run[4].save(Position(step=2))
    assert leftovers(tmp_path) == ["state-00000001"]
    assert made(tmp_path)[4].load().step == 1
    fresh = made(tmp_path)
    fresh[4].load()
    assert same(everything(fresh), before)


@pytest.mark.parametrize(("where", "name"), [(state, "save_file"), (Path, "write_text"), (Path, "rename")])
def test_a_run_that_dies_while_it_writes_has_the_state_before(tmp_path, monkeypatch, where, name):
    run = made(tmp_path)
    run[4].save(Position(step=1))
    with monkeypatch.context() as patch:
        patch.setattr(where, name, dies)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            run[4].save(Position(step=2))
    assert leftovers(tmp_path) == [".state.part", "state-00000001"]
    assert made(tmp_path)[4].load().step == 1
    run[4].save(Position(step=2))
    assert leftovers(tmp_path) == ["state-00000002"]


def test_of_two_states_the_newer_is_taken(tmp_path, monkeypatch):
    run = made(tmp_path)
    run[4].save(Position(step=1))
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    run[4].save(Position(step=2))
    assert leftovers(tmp_path) == ["state-00000001", "state-00000002"]
    assert position(newest(tmp_path)).step == 2


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB of its own, where this system lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or os.name != "posix" or os.geteuid():
        pytest.skip("mounting a disk needs root")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_real_disk_that_fills_up_leaves_the_state_before(small_disk):
    run = made(small_disk)
    run[4].save(Position(step=1))
    run[3].found = torch.zeros(300_000, dtype=torch.int64)
    with pytest.raises(StoreError, match="The disk is full"):
        run[4].save(Position(step=2))
    assert leftovers(small_disk) == ["state-00000001"]
    assert made(small_disk)[4].load().step == 1
