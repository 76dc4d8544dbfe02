"""A budget ends a run at a state to go on from, and the run that goes on is the one that was never disturbed."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from mirante.errors import UsageError
from mirante.training import parts, spending, train
from mirante.training.config import Data, Lora, LossTerm, Memory, Model, TrainConfig, Trained
from mirante.training.loop import Verdict
from mirante.training.spending import Spending, limits, usd
from mirante.training.state import newest, position

HOUR = 3600.0
RUNS = {
    "AdamW, changed views, micro-batches": {
        "losses": (LossTerm("infonce"), LossTerm("selfsupervision", 0.5)),
        "memory": Memory(micro=5),
    },
    "Muon": {"optimiser": "muon"},
    "LoRA with dropout": {"trained": Trained(lora=Lora(rank=2, dropout=0.2))},
}


class Clock:
    """Hours that pass when they are told to."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(spending, "time", made)
    return made


@pytest.fixture
def hourly(clock, batches):
    """Batches of which each takes an hour."""

    def draw(step, size, *, seed):
        clock.seconds += HOUR
        return batches.draw(step, size, seed=seed)

    return SimpleNamespace(pictures=batches.pictures, draw=draw)


@pytest.fixture
def start(new_model, pictures, hourly, clock):
    """One start of a run whose steps take an hour each: the model, where it stands, what was spent."""
    from mirante.training import loop, task

    def begin(config, look=None):
        encoder, accelerator = new_model(), Accelerator(cpu=True)
        torch.manual_seed(config.seed)
        parts.choose(encoder, config.trained)
        purse = Spending(config, accelerator, clock.seconds)
        learns = task.contrastive(config, encoder, pictures, accelerator)
        done = loop.run(config, learns, hourly, accelerator=accelerator, look=look, spending=purse)
        return encoder, done, purse

    return begin


def look(now):
    """A validation that likes every third step."""
    value = float(now.step % 3)
    return Verdict({"value": value}, now.best is None or value > now.best, value)


def left(folder):
    """All that a run left that is not a time."""
    kept = newest(folder)
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    told = [{name: value for name, value in line.items() if name not in ("pairs/s", "hours", "usd")} for line in lines]
    now = position(kept)
    return load_file(kept / "state.safetensors"), told, (now.step, now.loss, now.best, now.stale)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_that_a_budget_stopped_goes_on_to_the_same_weights(start, settings, tmp_path, kind):
    """Nine hours of work in three parts, of three and a half, five and any number of hours in all."""
    plain = {"steps": 9, "save_every": 4, "validate_every": 4, **RUNS[kind]}
    whole = settings(tmp_path / "whole", **plain)
    cut = settings(tmp_path / "cut", **plain)
    encoder, *_ = start(whole, look)
    steps = []
    for hours in (3.5, 5.0):
        _, done, purse = start(replace(cut, max_hours=hours), look)
        steps.append(done.step)
        assert purse.stopped == "max_hours"
        assert purse.seconds <= hours * HOUR
    resumed, done, purse = start(cut, look)
    assert steps == [3, 5]
    assert (done.step, purse.stopped) == (9, None)
    assert purse.seconds == 9 * HOUR
    assert same(resumed.module.state_dict(), encoder.module.state_dict())
    one, other = left(tmp_path / "whole"), left(tmp_path / "cut")
    assert same(other[0], one[0])
    assert other[1:] == one[1:]


def test_money_is_hours_at_their_price(start, settings):
    """At 2 dollars an hour, 7 dollars are 3.5 hours: three steps, for a fourth would pass them."""
    _, done, purse = start(settings(steps=9, usd_per_hour=2.0, budget="7usd"))
    assert (done.step, purse.stopped) == (3, "budget")
    assert purse.actual()["usd"] == 6.0


def test_a_start_without_money_left_does_not_step(start, settings, tmp_path):
    config = settings(steps=9, max_hours=3.0)
    start(config)
    before = left(tmp_path / "run")
    _, done, purse = start(replace(config, max_hours=2.0))
    assert (done.step, purse.stopped) == (3, "max_hours")
    assert same(left(tmp_path / "run")[0], before[0])


def test_a_run_that_ends_within_its_budget_is_not_stopped(start, settings):
    config = settings(steps=4, max_hours=4.0)
    _, done, purse = start(config)
    assert (done.step, purse.stopped) == (4, None)
    _, again, later = start(replace(config, max_hours=1.0))
    assert (again.step, later.stopped) == (4, None)


def test_time_before_the_first_step_counts(clock, settings):
    purse = Spending(settings(max_hours=2.0), Accelerator(cpu=True), since=0.0)
    clock.seconds = 1.9 * HOUR
    assert not purse.spent()
    clock.seconds = 2.1 * HOUR
    assert purse.spent()


def test_what_was_taken_and_predicted_is_kept_over_all_starts(clock, settings, tmp_path):
    config = settings(usd_per_hour=0.5)
    first = Spending(config, Accelerator(cpu=True), 0.0, {"hours": 5.0, "usd": 2.5, "peak_bytes": 9})
    clock.seconds = 2 * HOUR
    first.keep()
    second = Spending(config, Accelerator(cpu=True), clock.seconds, {"hours": 1.0, "usd": 1.0, "peak_bytes": 1})
    clock.seconds += HOUR
    second.keep()
    kept = json.loads((tmp_path / "run/cost.json").read_text())
    assert (kept["actual"]["hours"], kept["actual"]["usd"]) == (3.0, 1.5)
    assert kept["actual"]["peak_bytes"] > 50_000_000
    assert kept["predicted"] == {"hours": 5.0, "usd": 2.5, "peak_bytes": 9}


@pytest.mark.parametrize(("written", "dollars"), [("5usd", 5.0), ("0.5 USD", 0.5), (".25usd", 0.25), ("12.usd", 12.0)])
def test_a_budget_is_an_amount_of_dollars(written, dollars):
    assert usd(written) == dollars


@pytest.mark.parametrize("written", ["5eur", "-5usd", "0usd", "usd", "5", "five usd", "1e3usd", ""])
def test_another_budget_is_refused_with_an_example(written):
    with pytest.raises(UsageError, match=r"above 0, such as 5usd or 0\.5usd, not "):
        usd(written)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"max_hours": 0.0}, r"max_hours must be above 0, not 0"),
        ({"max_hours": -2.0}, r"max_hours must be above 0, not -2"),
        ({"max_hours": float("inf")}, r"max_hours must be above 0, not inf"),
        ({"budget": "5usd"}, r"budget = '5usd' needs the price of an hour: set usd_per_hour"),
        ({"budget": "5eur", "usd_per_hour": 1.0}, r"not '5eur'"),
        ({"usd_per_hour": -1.0}, r"usd_per_hour is a price of 0 or more, not -1"),
    ],
)
def test_limits_that_cannot_be_are_refused_before_anything_is_read(tmp_path, changed, said):
    config = TrainConfig(str(tmp_path / "run"), Model(start="nowhere"), Data("nothing"), steps=5, **changed)
    with pytest.raises(UsageError, match=said):
        train(config)
    assert not (tmp_path / "run").exists()


def test_both_limits_hold(settings):
    assert limits(settings(max_hours=2.0, budget="3usd", usd_per_hour=2.0)) == {"max_hours": 7200.0, "budget": 5400.0}
    assert limits(settings()) == {}


class Ticking:
    """A clock that is a second later whenever it is asked."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        self.seconds += 1
        return self.seconds


def test_a_whole_run_stops_and_goes_on_to_the_checkpoint_of_one_that_was_never_stopped(
    settings, tmp_path, monkeypatch, one_thread
):
    """Ten seconds reach for a few of eight steps; what is measured after waits for the last of them."""
    from mirante import training

    ticking = Ticking()
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(spending, "time", ticking)
    monkeypatch.setattr(training, "time", ticking)
    data = Data("scenes:train-64", validation="scenes:validation-20", language="en")
    whole, cut = (replace(settings(tmp_path / name, steps=8, validate_every=5), data=data) for name in ("whole", "cut"))
    undisturbed = train(whole)
    stopped = train(replace(cut, max_hours=10 / HOUR), predicted={"hours": 0.5, "usd": None, "peak_bytes": 5})
    assert stopped.stopped == "max_hours"
    assert 0 < stopped.steps < 8
    assert stopped.to_dict()["after"] == {}
    assert (stopped.checkpoint / "model.safetensors").is_file()
    done = train(cut, predicted={"hours": 9.0, "usd": None, "peak_bytes": 9})
    assert (done.stopped, done.steps, done.resumed) == (None, 8, stopped.steps)
    one, other = (load_file(run.checkpoint / "model.safetensors") for run in (undisturbed, done))
    assert same(one, other)
    assert done.after.target.metrics == undisturbed.after.target.metrics
    assert done.predicted == {"hours": 0.5, "usd": None, "peak_bytes": 5}
    assert done.cost["hours"] > stopped.cost["hours"] > 0
    assert "| Expected | 0.5 hours" in (done.checkpoint / "README.md").read_text()
