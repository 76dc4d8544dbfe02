"""The end of advice: what is written, said and done afterwards, from a decision and its evidence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mirante.advice import recommendation, say
from mirante.advice.curve import Curve
from mirante.advice.decide import Decision
from mirante.advice.ground import Asked
from mirante.advice.learning import Learning
from mirante.advice.price import Elsewhere, Price, part_of
from mirante.advice.recipe import Learner, recipe
from mirante.advice.recommendation import Case, recommend
from mirante.advice.trial import Trial
from mirante.evaluation import Comparison, PerQuery
from mirante.training import read_config
from mirante.training.config import Data
from mirante.types import Estimate, Protocol

PROTOCOL = Protocol("s:test", "en", "text_to_image", 100, 100, 1.0, "shared", 100)
DATA = Data("s:train", validation="s:test", language="pt-BR", retain="s:test", retain_language="en")
PRICE = Price("cpu", 2.0, None, 10**9, 10**9, 100, True, Elsewhere("L4", 0.5, 0.4, "2026-03-10"))


def learning(lost: tuple[float, float, float] = (-0.01, 0.0, 0.01), gain: float = 0.2, doubts: tuple = ()) -> Learning:
    """A curve of that gain whose largest share changed the retained data by (low, value, high)."""
    low, value, high = lost
    forgotten = Comparison("hit_rate@1", "after", "before", PROTOCOL, value, low, high, 0.5, 0.5, 0.5, 0.01, 100, 100)
    hits = PerQuery("m", PROTOCOL, ("q",), ("q",), {"hit_rate@1": np.array([1.0])})
    trials = (Trial(0.0, 0, 0.0, hits, hits), Trial(0.2, 800, 60.0, hits, hits))
    expected = Estimate(gain, gain - 0.05, gain + 0.05)
    return Learning(Curve((), 4_000, expected, expected, expected, (), doubts), trials, {0.01: 4}, forgotten)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    config = recipe(Learner("scenes", "siglip", 2_000_000), DATA, pictures=4_000, out=str(tmp_path / "fine-tune"))
    return Case(Asked("s"), "s:test", ("scenes", "other"), config, 4_000, None, tmp_path)


@pytest.fixture(autouse=True)
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation, "price", lambda config, probe: replace(PRICE, tried=probe))


def made(case: Case, action: str) -> recommendation.Recommendation:
    return recommend(case, Decision(action, "rules"), warnings=(), reasons=())  # type: ignore[arg-type]


def test_a_fine_tune_is_written_so_that_its_command_works(case: Case) -> None:
    said = made(case, "fine-tune")
    assert said.config == case.out / "fine-tune.toml"
    assert read_config(said.config) == case.config
    assert said.command == f"mirante train {said.config}"
    assert said.price == replace(PRICE, tried=False)
    assert said.afterwards == (
        f"mirante evaluate s:test --model scenes --model {case.out}/fine-tune/checkpoint --lang pt-BR "
        f"--out {case.out}/after",
    )


@pytest.mark.parametrize("action", ["deploy", "collect", "learn", "measure"])
def test_no_other_step_writes_a_configuration(case: Case, action: str) -> None:
    said = made(case, action)
    assert said.config is None
    assert said.afterwards == ()
    assert list(case.out.iterdir()) == []
    assert (said.price is None) == (action != "learn")


def test_trying_shares_costs_the_part_of_a_run_that_they_are(case: Case) -> None:
    assert case.config is not None
    part = part_of(case.config, (0.01, 0.05, 0.2), 4_000)
    seen = (40 * 60 + 200 * 54.3 + 800 * 34.2) / (4_000 * 20)  # pictures times epochs
    assert part == pytest.approx(seen)
    price = made(case, "learn").price
    assert price is not None
    assert price.elsewhere is not None
    assert (price.hours, price.elsewhere.usd) == (pytest.approx(2 * part), pytest.approx(0.4 * part))


@pytest.mark.parametrize(
    ("lost", "verdict", "blends"),
    [
        ((-0.10, -0.08, -0.06), "forgot", True),
        ((-0.04, -0.031, -0.02), "forgot", True),
        ((-0.04, -0.03, -0.02), "forgot", False),  # within the tolerance of a blend
        ((-0.10, -0.04, 0.02), "unclear", False),
        ((-0.02, -0.01, 0.01), "kept", False),
        ((0.01, 0.02, 0.03), "kept", False),
    ],
)
def test_what_was_forgotten_is_said_and_blended_where_it_is_much(
    case: Case, lost: tuple[float, float, float], verdict: str, blends: bool
) -> None:
    found = learning(lost)
    (note,) = say.forgotten(found)
    assert note.key == f"advise.retain-{verdict}"
    assert (note.values["points"], note.values["before"]) == (lost[1], 1.0)
    after = made(replace(case, learning=found), "fine-tune").afterwards
    assert (len(after) == 2) == blends
    if blends:
        assert after[0].startswith("mirante blend scenes ")
        assert f"--model {case.out}/blend/checkpoint" in after[1]


def test_nothing_retained_is_nothing_forgotten() -> None:
    assert list(say.forgotten(replace(learning(), forgotten=None))) == []


def test_the_gain_is_priced_where_the_curve_is_trusted(case: Case) -> None:
    (note,) = made(replace(case, learning=learning(gain=0.2)), "fine-tune").reasons
    assert note.key == "advise.cost-away"
    assert note.values == {"usd": 0.4, "each": pytest.approx(0.02), "gained": 0.2, "gpu": "L4"}
    assert made(replace(case, learning=learning(doubts=("wide",))), "fine-tune").reasons == ()
    assert made(replace(case, learning=learning(gain=-0.1)), "fine-tune").reasons == ()


def test_the_curve_is_told_with_its_doubts_and_what_was_left_out() -> None:
    sure, unsure = learning(), learning(doubts=("far", "wide"))
    assert [one.key for one in say.learnt(sure)] == ["advise.curve-tried", "advise.curve-expected", "advise.left-out"]
    assert [one.key for one in say.learnt(unsure)] == [
        "advise.curve-tried", "advise.curve-doubted", "advise.doubt-far", "advise.doubt-wide", "advise.left-out",
    ]  # fmt: skip
    tried = next(iter(say.learnt(sure)))
    assert (tried.values["pictures"], tried.values["share"]) == (800, 0.2)


def test_a_model_that_cannot_be_trained_is_said(case: Case) -> None:
    said = made(replace(case, config=None), "fine-tune")
    assert [one.key for one in said.warnings] == ["advise.untrainable"]
    assert said.command.startswith("mirante advise s --model scenes --model other")
