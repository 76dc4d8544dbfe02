"""The rules propose; a fine-tune that was tried decides; and where the sample cannot tell, one is tried."""

import pytest

from mirante.advice.curve import Curve
from mirante.advice.decide import Decision, decide
from mirante.advice.rules import Answer
from mirante.types import Estimate

SURE = Estimate(0.25, 0.20, 0.30)
LIKELY = Answer("step", "fine-tune-likely")
DEPLOY = Answer("step", "deploy")


def curve(gain: tuple[float, float, float], tried: tuple[float, float, float], *, trusted: bool = True) -> Curve:
    """A curve of that expected and that measured gain, each as (low, value, high)."""
    expected, measured = (Estimate(value, low, high) for low, value, high in (gain, tried))
    return Curve((), 1_000, expected, expected, measured, (), () if trusted else ("wide",))


LITTLE = (-0.01, 0.0, 0.015)
UNSURE = (-0.05, 0.05, 0.15)
MUCH = (0.10, 0.20, 0.30)


@pytest.mark.parametrize(
    ("verdict", "action"),
    [
        ("collect", "collect"),
        ("fine-tune-now", "fine-tune"),
        ("fine-tune-likely", "fine-tune"),
        ("fine-tune-likely-small", "fine-tune"),
        ("robust", "robust"),
        ("deploy", "deploy"),
    ],
)
def test_without_a_fine_tune_the_rules_decide(verdict: str, action: str) -> None:
    step = Answer("step", verdict)  # type: ignore[arg-type]
    assert decide(step, None, r1=SURE, rows=1_000) == Decision(action, "rules")  # type: ignore[arg-type]


def test_without_a_measurement_one_is_made() -> None:
    assert decide(None, None, r1=None, rows=1_000) == Decision("measure", "nothing")


def test_where_the_sample_cannot_tell_a_fine_tune_is_tried() -> None:
    unsure = Answer("step", "fine-tune-likely", ("deploy",))
    assert decide(unsure, None, r1=SURE, rows=1_000) == Decision("learn", "rules", ("fine-tune", "deploy"))


def test_answers_that_mean_the_same_step_are_no_doubt() -> None:
    unsure = Answer("step", "fine-tune-likely", ("fine-tune-now",))
    assert decide(unsure, None, r1=SURE, rows=1_000) == Decision("fine-tune", "rules")


def test_too_little_data_is_not_tried_on() -> None:
    unsure = Answer("step", "collect", ("fine-tune-likely-small",))
    assert decide(unsure, None, r1=SURE, rows=200) == Decision("collect", "rules", ("fine-tune",))


@pytest.mark.parametrize(
    ("step", "found", "decision"),
    [
        (DEPLOY, curve(MUCH, LITTLE), Decision("fine-tune", "curve")),
        (DEPLOY, curve(MUCH, MUCH), Decision("fine-tune", "curve")),
        (LIKELY, curve(LITTLE, LITTLE), Decision("collect", "curve")),
        (LIKELY, curve(UNSURE, LITTLE), Decision("fine-tune", "rules")),  # says nothing: the rules stay
        (DEPLOY, curve(UNSURE, UNSURE), Decision("deploy", "rules")),
        (DEPLOY, curve(MUCH, LITTLE, trusted=False), Decision("deploy", "rules")),  # not to be trusted
        (LIKELY, curve(LITTLE, LITTLE, trusted=False), Decision("fine-tune", "rules")),
        (DEPLOY, curve(UNSURE, MUCH, trusted=False), Decision("fine-tune", "shares")),  # measured, not extrapolated
    ],
)
def test_a_fine_tune_that_was_tried_decides_where_it_is_sure(step: Answer, found: Curve, decision: Decision) -> None:
    assert decide(step, found, r1=SURE, rows=1_000) == decision


def test_a_model_that_is_good_and_learns_nothing_more_is_used_as_it_is() -> None:
    good = Estimate(0.35, 0.30, 0.40)
    assert decide(DEPLOY, curve(LITTLE, LITTLE), r1=good, rows=1_000) == Decision("deploy", "curve")


@pytest.mark.parametrize(("low", "action"), [(0.02, "fine-tune"), (0.019, "deploy")])
def test_two_points_of_gain_are_worth_a_run(low: float, action: str) -> None:
    assert decide(DEPLOY, curve(UNSURE, (low, 0.05, 0.08)), r1=SURE, rows=1_000).action == action


@pytest.mark.parametrize(("rows", "action"), [(100_000, "fine-tune"), (100_001, "robust")])
def test_very_many_pictures_are_learnt_robustly(rows: int, action: str) -> None:
    assert decide(LIKELY, curve(MUCH, MUCH), r1=SURE, rows=rows).action == action
