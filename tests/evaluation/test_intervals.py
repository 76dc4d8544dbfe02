"""Intervals: seeded, clustered, and of the coverage that they claim."""

import math

import numpy as np
import pytest

from mirante.errors import UsageError
from mirante.evaluation.intervals import Bootstrap, estimate
from mirante.types import Estimate


def slow(values: list[float], clusters: list[str], summary: str, draws: np.ndarray) -> float:
    """One resample spelt out: the drawn clusters' values, one after the other."""
    names = list(dict.fromkeys(clusters))
    drawn = [v for at in draws for v, c in zip(values, clusters, strict=True) if c == names[at]]
    return float(np.median(drawn) if summary == "median" else np.mean(drawn))


@pytest.mark.parametrize("summary", ["mean", "median"])
def test_equals_the_resamples_spelt_out(summary: str) -> None:
    values, clusters = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 3.0], ["a", "b", "a", "c", "d", "b", "a"]
    draws = np.random.default_rng(7).integers(4, size=(200, 4))
    resamples = sorted(slow(values, clusters, summary, one) for one in draws)

    found = estimate(
        {"x": np.array(values)},
        clusters,
        medians=["x"] if summary == "median" else [],
        bootstrap=Bootstrap(resamples=200, seed=7),
    )

    # 2.5 % of 199 steps is 4.975: the fifth smallest and the fifth greatest resample
    value = 30 / 7 if summary == "mean" else 4.0
    assert found["x"].value == pytest.approx(value)
    assert (found["x"].low, found["x"].high) == pytest.approx((resamples[4], resamples[-5]))


def test_a_median_between_two_values_is_their_middle() -> None:
    for seed in range(10):
        (draws,) = np.random.default_rng(seed).integers(2, size=(1, 2))
        found = estimate({"m": np.array([1.0, 4.0])}, "ab", medians=["m"], bootstrap=Bootstrap(resamples=1, seed=seed))
        assert found["m"].low == {0: 1.0, 1: 2.5, 2: 4.0}[int(draws.sum())]


def test_the_same_seed_gives_the_same_interval() -> None:
    values = {"x": np.arange(50.0)}
    clusters = [str(at) for at in range(50)]
    first, again, other = (estimate(values, clusters, bootstrap=Bootstrap(seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert first["x"].low < 24.5 < first["x"].high


def test_without_resamples_or_variation_the_interval_is_the_value() -> None:
    assert estimate({"x": np.array([0.0, 1.0])}, ["a", "b"], bootstrap=Bootstrap(resamples=0)) == {
        "x": Estimate(0.5, 0.5, 0.5)
    }
    assert estimate({"x": np.array([0.0, 1.0])}, ["a", "a"]) == {"x": Estimate(0.5, 0.5, 0.5)}


def test_queries_of_one_image_do_not_narrow_the_interval() -> None:
    hits = np.random.default_rng(0).integers(0, 2, 200).astype(float)
    alone = estimate({"x": hits}, [str(at) for at in range(200)])["x"]
    five_times = estimate({"x": np.repeat(hits, 5)}, [str(at) for at in range(200) for _ in range(5)])["x"]
    unclustered = estimate({"x": np.repeat(hits, 5)}, [str(at) for at in range(1000)])["x"]
    assert (five_times.low, five_times.high) == pytest.approx((alone.low, alone.high))
    assert unclustered.high - unclustered.low < 0.6 * (alone.high - alone.low)


def test_a_median_rank_may_be_infinite() -> None:
    ranks = np.array([1.0, 2.0, math.inf, math.inf, math.inf])
    found = estimate({"m": ranks}, list("abcde"), medians=["m"])["m"]
    assert (found.value, found.high) == (math.inf, math.inf)
    assert found.low in (1.0, 2.0)


def test_blocks_of_resamples_are_the_same_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    values, clusters = {"x": np.arange(40.0), "m": np.arange(40.0) ** 2}, [str(at // 2) for at in range(40)]
    whole = estimate(values, clusters, medians=["m"])
    monkeypatch.setattr("mirante.evaluation.intervals.BLOCK", 100)
    assert estimate(values, clusters, medians=["m"]) == whole


def test_values_and_clusters_must_match() -> None:
    with pytest.raises(UsageError, match="3 clusters, \\[2\\] values"):
        estimate({"x": np.zeros(2)}, ["a", "b", "c"])


@pytest.mark.parametrize("summary", ["mean", "median"])
def test_about_95_of_100_intervals_hold_the_truth(summary: str) -> None:
    random = np.random.default_rng(1)
    held = 0
    clusters = [str(at) for at in range(80) for _ in range(5)]
    for _ in range(300):
        values = np.repeat(random.normal(size=80), 5) + random.normal(size=400)
        found = estimate(
            {"x": values},
            clusters,
            medians=["x"] if summary == "median" else [],
            bootstrap=Bootstrap(resamples=300, seed=int(random.integers(1 << 30))),
        )["x"]
        held += found.low <= 0.0 <= found.high
    assert 0.91 <= held / 300 <= 0.98
