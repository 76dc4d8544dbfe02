"""Hours of a run, part by part, by hand."""

from dataclasses import replace

import pytest

from mirante.cost.answer import DataSize
from mirante.cost.hours import DECODE, JUDGE, START, Pace, Plan, seconds, states, step_seconds
from mirante.cost.shapes import Shape, Tower
from mirante.cost.sizes import Sizes
from mirante.cost.work import forward, work
from mirante.training import Parameters
from mirante.training.config import Data, Hard, Model, TrainConfig, Trained

TOWER = Tower(tokens=10, width=4, depth=2, inner=16, heads=2, trained=2)
SHAPE = Shape("siglip", TOWER, TOWER, 4, 10, Parameters(1000, 1000), {(4, 16): 2})
PASS = forward(TOWER)
SPEED = PASS
"""So that a picture or text passes a tower in one second."""
PACE = Pace(step=2.0, speed=SPEED, cores=4, saving=0.0)


def plan(**changed: object) -> Plan:
    """A hundred steps of 8 of 200 pictures; 20 pictures and 100 captions are measured."""
    config = TrainConfig("run", Model(start="scenes"), Data("scenes"), steps=100, batch=8, **changed)  # type: ignore[arg-type]
    return Plan(config, SHAPE, work(config, SHAPE), Sizes(DataSize(200, 200, 0, "read"), (20, 100)), 100)


def test_a_step_is_its_operations_and_what_the_optimiser_moves() -> None:
    """Eight pictures and eight texts, three passes each; forty bytes of each trained number."""
    made = plan()
    assert step_seconds(made, made.work, speed=SPEED, bandwidth=1e4) == pytest.approx(48 + 4)


def test_muon_s_step_by_hand() -> None:
    """Of two matrices of 4 × 16 five times 4·4²·16 + 2·4³ operations."""
    made = plan(optimiser="muon")
    more = step_seconds(made, made.work, speed=1.0, bandwidth=1e9) - step_seconds(
        plan(), made.work, speed=1.0, bandwidth=1e9
    )
    assert more == pytest.approx(2 * 5 * (4 * 16 * 16 + 2 * 64))


def test_the_parts_by_hand() -> None:
    """Measured before and after: 20 pictures and 100 captions pass, are decoded and judged, twice."""
    found = seconds(plan(), PACE)
    assert found["start"] == START
    assert found["pictures"] == pytest.approx(200 * DECODE / 4)
    assert found["training"] == pytest.approx(200.0)
    assert found["measuring"] == pytest.approx(2 * (120 + 20 * DECODE + 100 * JUDGE))


def test_validations_are_measured_too_and_a_new_model_is_not_measured_before() -> None:
    once = seconds(plan(), PACE)["measuring"] / 2
    looked = seconds(plan(validate_every=30), PACE)["measuring"]
    assert looked == pytest.approx((2 + 4) * once)
    made = plan()
    new = replace(made, config=replace(made.config, model=Model()))
    assert seconds(new, PACE)["measuring"] == pytest.approx(once)


def test_a_locked_tower_passes_every_picture_before_the_first_step() -> None:
    locked = plan(trained=Trained(image="none"))
    assert seconds(locked, PACE)["training"] == pytest.approx(200 + 200)


def test_a_search_for_hard_negatives_passes_everything() -> None:
    """Steps 0, 40 and 80 each see 200 pictures and 200 texts."""
    searched = plan(hard=Hard(every=40))
    assert seconds(searched, PACE)["training"] == pytest.approx(200 + 3 * 400)


def test_slower_decoding_and_fewer_cores_take_longer() -> None:
    slow = seconds(plan(), replace(PACE, cores=1, decode=0.5))
    assert slow["pictures"] == pytest.approx(100.0)


def test_the_first_step_and_every_state_take_their_time() -> None:
    """Of 100 steps a state after 30, 60, 90 and the last."""
    found = seconds(plan(save_every=30), replace(PACE, first=7.0, saving=3.0))
    assert found["training"] == pytest.approx(200 + 7 + 4 * 3)


def test_a_state_by_arithmetic() -> None:
    """A third of a step to try the weights, and twelve bytes of each of 1,000 numbers at 300 MB a second."""
    found = seconds(plan(save_every=30), replace(PACE, saving=None))
    assert found["training"] == pytest.approx(200 + 4 * (2 / 3 + 12_000 / 3e8))


def test_a_state_that_is_due_twice_is_written_once() -> None:
    assert states(100, 30, 20) == 3 + 5 - 1
    assert states(100, 500, 0) == 1
