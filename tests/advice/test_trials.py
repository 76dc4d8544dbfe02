"""Runs of a learning curve are kept, read again, and never done twice."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mirante.advice import learning
from mirante.advice.learning import Plan, learn
from mirante.advice.recipe import Learner, recipe
from mirante.advice.trial import NAME, Trial, finished, keep
from mirante.errors import StoreError, UsageError
from mirante.evaluation import PerQuery
from mirante.training.config import Data
from mirante.types import Protocol


def per_query(hits: str, model: str = "scenes") -> PerQuery:
    protocol = Protocol("scenes:test-8", "en", "text_to_image", 8, len(hits), 1.0, "shared", 8)
    ids = tuple(f"q{at}" for at in range(len(hits)))
    return PerQuery(model, protocol, ids, ids, {"hit_rate@1": np.array([float(one) for one in hits])})


def test_a_trial_is_read_as_it_was_kept(tmp_path: Path) -> None:
    trial = Trial(0.05, 40, 12.5, per_query("10110"), per_query("111"))
    keep(tmp_path, trial)
    found = finished(tmp_path)
    assert found is not None
    assert (found.share, found.pictures, found.seconds) == (0.05, 40, 12.5)
    assert found.target.values["hit_rate@1"].tolist() == [1, 0, 1, 1, 0]
    assert (found.target.protocol, found.target.clusters) == (trial.target.protocol, trial.target.clusters)
    assert found.retain is not None
    assert found.retain.queries == ("q0", "q1", "q2")


def test_nothing_retained_stays_nothing(tmp_path: Path) -> None:
    keep(tmp_path, Trial(0.0, 0, 0.0, per_query("10"), None))
    found = finished(tmp_path)
    assert found is not None
    assert found.retain is None


def test_an_unfinished_run_has_no_trial(tmp_path: Path) -> None:
    assert finished(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", '{"schema": 2}', "[1]"])
def test_a_damaged_trial_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match="delete it"):
        finished(tmp_path)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    data = Data("scenes:train-80", validation="scenes:test-8", language="en")
    config = recipe(Learner("scenes", "siglip", 5_000_000), data, pictures=80, out=str(tmp_path / "fine-tune"))
    return Plan(config, tmp_path, shares=(0.01, 0.2, 0.5))


class Trained(Exception):
    """A fine-tune was begun."""


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(config: object, **more: object) -> None:
        raise Trained(getattr(config, "out", ""))

    monkeypatch.setattr(learning, "train", begun)


@pytest.mark.usefixtures("no_training")
def test_runs_that_are_finished_are_not_done_again(plan: Plan, tmp_path: Path) -> None:
    """1 % of 80 pictures is one, too few; 20 % are 16 and 50 % are 40."""
    with pytest.raises(Trained) as begun:
        learn(plan)
    (start,) = (tmp_path / "learning").glob("start-*")
    assert (start / NAME).is_file()
    fifth = Path(str(begun.value))
    assert fifth.name.startswith("0.2-")
    keep(fifth, Trial(0.2, 16, 3.0, finished(start).target, None))  # type: ignore[union-attr]
    with pytest.raises(Trained) as begun:
        learn(plan)
    half = Path(str(begun.value))
    assert half.name.startswith("0.5-")
    keep(half, Trial(0.5, 40, 6.0, finished(start).target, None))  # type: ignore[union-attr]
    found = learn(plan)
    assert [one.pictures for one in found.trials] == [0, 16, 40]
    assert found.left_out == {0.01: 1}
    assert found.curve.pictures == 80
    assert found.forgotten is None
    assert "no-rise" in found.curve.doubts


@pytest.mark.usefixtures("no_training")
def test_other_settings_or_leaks_are_another_run(plan: Plan, tmp_path: Path) -> None:
    begun = []
    faster = replace(plan, config=replace(plan.config, learning_rate=0.1))
    for one in (plan, plan, faster, replace(plan, leaked=frozenset(["test-0000003"]))):
        with pytest.raises(Trained) as found:
            learn(one)
        begun.append(str(found.value))
    assert begun[0] == begun[1]
    assert len(set(begun)) == 3


@pytest.mark.usefixtures("no_training")
def test_leaked_pictures_are_not_judged(plan: Plan, tmp_path: Path) -> None:
    leaked = frozenset(f"test-{number:07d}" for number in range(3))
    with pytest.raises(Trained):
        learn(replace(plan, leaked=leaked))
    (start,) = (tmp_path / "learning").glob("start-*")
    document = json.loads((start / NAME).read_text(encoding="utf-8"))
    assert document["target"]["protocol"]["gallery"] == 5
    assert leaked.isdisjoint(document["target"]["clusters"])


def test_too_few_pictures_for_any_share_are_refused(plan: Plan) -> None:
    with pytest.raises(UsageError, match="80 pictures to learn from, 4 in the largest share"):
        learn(replace(plan, shares=(0.01, 0.05)))


def test_a_run_needs_something_to_be_judged_on(plan: Plan) -> None:
    data = replace(plan.config.data, validation=None)
    with pytest.raises(UsageError, match="held-out"):
        learn(replace(plan, config=replace(plan.config, data=data)))


def test_where_every_held_out_picture_leaked_nothing_is_judged(plan: Plan) -> None:
    every = frozenset(f"test-{number:07d}" for number in range(8))
    with pytest.raises(UsageError, match="among those that are learnt from"):
        learn(replace(plan, leaked=every))
