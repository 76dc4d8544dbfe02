"""Intervals: seeded, clustered, and of the coverage that they claim."""

import math
from statistics import NormalDist
from typing import Literal

import numpy as np
import pytest

from mirante.errors import UsageError
from mirante.evaluation.clusters import Clusters
from mirante.evaluation.intervals import Bootstrap, estimate
from mirante.evaluation.resampling import resample
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
        bootstrap=Bootstrap(resamples=200, seed=7, method="percentile"),
    )

    # 2.5 % of 199 steps is 4.975: the fifth smallest and the fifth greatest resample
    value = 30 / 7 if summary == "mean" else 4.0
    assert found["x"].value == pytest.approx(value)
    assert (found["x"].low, found["x"].high) == pytest.approx((resamples[4], resamples[-5]))


@pytest.mark.parametrize("seed", range(6))
def test_medians_of_many_values_equal_the_resamples_spelt_out(seed: int) -> None:
    """Ranks with ties, some infinite, in clusters of unequal size; groups of the values are full and partial."""
    random = np.random.default_rng(seed)
    count = [63, 64, 65, 300, 513, 900][seed]
    ranks = np.where(random.random(count) < 0.2, np.inf, random.integers(1, 30, count))
    clusters = Clusters.of([str(one) for one in random.integers(count // 3, size=count)])
    members = [ranks[clusters.own == cluster] for cluster in range(len(clusters))]
    draws = np.random.default_rng(seed).integers(len(clusters), size=(20, len(clusters)))

    found = resample({"m": ranks}, clusters, medians=["m"], resamples=20, seed=seed)["m"].draws

    assert found.tolist() == [np.median(np.concatenate([members[at] for at in one])) for one in draws]


def spelt_out(values: list[float], resamples: list[float], above: float) -> tuple[float, float]:
    """BCa as Efron 1987 writes it, one image a value, the jackknife by leaving out one after the other."""
    normal, n, b = NormalDist(), len(values), len(resamples)
    mean = sum(values) / n
    without = [(sum(values) - one) / (n - 1) for one in values]
    u = [sum(without) / n - one for one in without]
    acceleration = sum(one**3 for one in u) / (6 * sum(one**2 for one in u) ** 1.5)
    bias = normal.inv_cdf(sum((one < mean) + (one == mean) / 2 for one in resamples) / b)
    ends = [normal.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in (-above, above)]
    ordered = sorted(resamples)
    return ordered[math.floor(ends[0] * (b - 1))], ordered[math.ceil(ends[1] * (b - 1))]


def test_bca_equals_its_formula_spelt_out() -> None:
    values = [0.0, 0.0, 0.125, 0.0, 1.0, 0.0, 0.25, 0.0, 0.0, 0.5, 0.0, 0.0]  # skewed to the right
    draws = np.random.default_rng(3).integers(12, size=(400, 12))
    resamples = [float(np.mean([values[at] for at in one])) for one in draws]

    clusters = [str(at) for at in range(12)]
    bca, percentile = (
        estimate({"x": np.array(values)}, clusters, bootstrap=Bootstrap(resamples=400, seed=3, method=method))["x"]
        for method in ("bca", "percentile")
    )

    t_of_11_degrees = 2.2010 * math.sqrt(12 / 11)  # for 1.96, as the images are few
    assert (bca.low, bca.high) == pytest.approx(spelt_out(values, resamples, t_of_11_degrees))
    assert bca.low > percentile.low  # both ends lie on the side of the long tail
    assert bca.high > percentile.high


def test_bca_of_a_mean_follows_the_clusters() -> None:
    """Five equal captions for each image are the image once: the acceleration is that of 12 values."""
    values = np.array([0.0, 0.0, 0.125, 0.0, 1.0, 0.0, 0.25, 0.0, 0.0, 0.5, 0.0, 0.0])
    alone = estimate({"x": values}, [str(at) for at in range(12)])["x"]
    five = estimate({"x": np.repeat(values, 5)}, [str(at) for at in range(12) for _ in range(5)])["x"]
    assert (five.low, five.high) == pytest.approx((alone.low, alone.high))


def test_bca_of_a_median_leans_to_the_long_side() -> None:
    """Six images hold two ranks above the median, twelve hold one below it: Σ 2³ over the pulls of both sides."""
    ranks = np.array([1.0] * 12 + [9.0] * 12 + [5.0])
    clusters = [f"low {at}" for at in range(12)] + [f"high {at // 2}" for at in range(12)] + ["middle"]
    influence = resample({"m": ranks}, Clusters.of(clusters), medians=["m"], resamples=0, seed=0)["m"].influence
    assert influence.tolist() == [-1.0] * 12 + [2.0] * 6 + [0.0]


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


def test_without_resamples_the_interval_is_the_value() -> None:
    found = estimate({"x": np.array([0.0, 1.0])}, ["a", "b"], bootstrap=Bootstrap(resamples=0))
    assert found == {"x": Estimate(0.5, 0.5, 0.5)}


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_a_perfect_score_is_not_certain(method: Literal["bca", "percentile"]) -> None:
    """Clopper and Pearson: with 97.5 % confidence at most 3.6 % of the images are otherwise, when 100 agree."""
    clusters = [str(at) for at in range(100) for _ in range(5)]
    values = {"right": np.ones(500), "wrong": np.zeros(500), "half": np.full(500, 0.5)}
    found = estimate(values, clusters, bootstrap=Bootstrap(method=method))

    otherwise = 1 - 0.025 ** (1 / 100)
    assert otherwise == pytest.approx(0.0362, abs=1e-4)
    assert (found["right"].low, found["right"].high) == pytest.approx((1 - otherwise, 1.0))
    assert (found["wrong"].low, found["wrong"].high) == pytest.approx((0.0, otherwise))
    assert (found["half"].low, found["half"].high) == pytest.approx((0.5 - otherwise / 2, 0.5 + otherwise / 2))


def test_one_image_alone_tells_next_to_nothing() -> None:
    found = estimate({"x": np.array([0.0, 1.0])}, ["a", "a"])["x"]
    assert (found.low, found.value, found.high) == pytest.approx((0.0125, 0.5, 0.9875))


def test_a_median_without_variation_needs_no_width() -> None:
    assert estimate({"m": np.ones(100)}, [str(at) for at in range(100)], medians=["m"]) == {"m": Estimate(1, 1, 1)}


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
    monkeypatch.setattr("mirante.evaluation.resampling.BLOCK", 100)
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
