"""Two models on the same queries: cases by hand, and every number against its definition spelt out."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from mirante.errors import DataError, UnknownName
from mirante.evaluation.clusters import Clusters
from mirante.evaluation.comparison import PerQuery, compare
from mirante.evaluation.intervals import Bootstrap
from mirante.evaluation.significance import holm, randomisation, smallest_difference
from mirante.types import TIE_RULE, Protocol

PROTOCOL = Protocol("toy:test", "en", "text_to_image", 4, 6, 1.5, "as given", 4, 0, TIE_RULE)
# Four images; the first has three captions.
CLUSTERS = ("a", "a", "a", "b", "c", "d")
QUERIES = tuple(f"q{at}" for at in range(6))


def model(name: str, values: list[float], metric: str = "mrr") -> PerQuery:
    return PerQuery(name, PROTOCOL, QUERIES, CLUSTERS, {metric: np.array(values)})


BETTER, WORSE = model("better", [1, 1, 0.5, 1, 1, 0.25]), model("worse", [0.5, 1, 0.25, 0.5, 1, 0.5])


def test_the_difference_is_the_mean_over_queries_of_the_greater_less_the_smaller() -> None:
    (found,) = compare([WORSE, BETTER])
    assert (found.first, found.second, found.metric) == ("better", "worse", "mrr")
    assert found.difference == pytest.approx((0.5 + 0 + 0.25 + 0.5 + 0 - 0.25) / 6)
    assert (found.queries, found.clusters, found.protocol) == (6, 4, PROTOCOL)
    assert found.low <= found.difference <= found.high
    (turned,) = compare([BETTER, WORSE])
    assert turned.difference == found.difference
    assert turned.p == found.p


def test_p_is_that_of_all_sign_flips_of_whole_images() -> None:
    """The sums of the images are 0.75, 0.5, 0, −0.25: of 16 sign patterns 6 give at least 1.0 either way."""
    sums = [0.75, 0.5, 0.0, -0.25]
    far = sum(
        abs(sum(sign * one for sign, one in zip(signs, sums, strict=True))) >= 1 for signs in product((-1, 1), repeat=4)
    )
    assert far == 8
    (found,) = compare([BETTER, WORSE], flips=40_000)
    assert found.p == pytest.approx(far / 16, abs=0.01)


def test_flips_of_single_queries_would_say_more_than_the_images_know() -> None:
    """One model is ahead on all captions of five images: two of 2⁵ patterns are as far, not two of 2²⁵."""
    ahead = np.ones(25)
    (by_image,) = randomisation([ahead], Clusters.of([str(at // 5) for at in range(25)]), flips=20_000, seed=0)
    (by_query,) = randomisation([ahead], Clusters.of([str(at) for at in range(25)]), flips=20_000, seed=0)
    assert by_image == pytest.approx(2 / 2**5, abs=0.005)
    assert by_query == pytest.approx(1 / 20_001)


def test_p_is_never_zero_and_equal_models_are_never_told_apart() -> None:
    ahead = model("ahead", [1.0] * 6)
    (same,) = compare([ahead, replace(ahead, model="same")])
    assert (same.difference, same.p, same.p_bootstrap, same.p_holm) == (0.0, 1.0, 1.0, 1.0)
    assert (same.low, same.high) == pytest.approx((-(1 - 0.025**0.25), 1 - 0.025**0.25))
    assert not same.told_apart

    clusters = Clusters.of([str(at) for at in range(60)])
    assert randomisation([np.ones(60)], clusters, flips=99, seed=0) == [1 / 100]


def test_ties_of_flips_count_in_spite_of_rounding() -> None:
    """Ten tenths, whatever their order and signs, are as far as ten tenths only when all signs agree."""
    tenths = np.array([0.1, 0.2, 0.3, 0.4, 0.7, 0.6])
    (p,) = randomisation([tenths], Clusters.of(list("abcdef")), flips=64_000, seed=0)
    assert p == pytest.approx(2 / 2**6, abs=0.004)


def test_the_interval_draws_both_models_together() -> None:
    """The worse model is a tenth behind on every query, however hard the query is: nothing is left to chance."""
    hard = np.random.default_rng(0).uniform(0.1, 1.0, 40)
    names = tuple(str(at) for at in range(40))
    one, other = (PerQuery(name, PROTOCOL, names, names, {"mrr": hard - d}) for name, d in (("one", 0.0), ("two", 0.1)))
    noisy = replace(other, values={"mrr": other.values["mrr"] + np.resize([-0.02, 0.02], 40)})
    (found,) = compare([one, noisy])
    assert found.low == pytest.approx(0.1, abs=0.01)
    assert found.high == pytest.approx(0.1, abs=0.01)
    assert found.p_holm < 0.001


def test_the_paired_bootstrap_spelt_out() -> None:
    columns = [1.0, 0.5, -0.25, 0.75, 0.0, 0.5]
    names = tuple(str(at) for at in range(6))
    one = PerQuery("one", PROTOCOL, names, names, {"mrr": np.array(columns)})
    other = PerQuery("other", PROTOCOL, names, names, {"mrr": np.zeros(6)})
    draws = np.random.default_rng(5).integers(6, size=(300, 6))
    mean = sum(columns) / 6
    far = sum(abs(sum(columns[at] for at in row) / 6 - mean) >= mean - 1e-12 for row in draws)

    (found,) = compare([one, other], bootstrap=Bootstrap(resamples=300, seed=5))

    assert found.p_bootstrap == pytest.approx((1 + far) / 301)


@pytest.mark.parametrize(
    ("chances", "corrected"),
    [
        ([0.01], [0.01]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3 x 0.01; 2 x 0.03; 1 x 0.04 may not fall below 0.06
        ([0.5, 0.02, 0.6], [1.0, 0.06, 1.0]),
        ([0.04, 0.01, 0.015, 0.012], [0.04, 0.04, 0.04, 0.04]),
        ([0.03, 0.03], [0.06, 0.06]),
        ([], []),
    ],
)
def test_holm_by_hand(chances: list[float], corrected: list[float]) -> None:
    assert holm(chances) == pytest.approx(corrected)


def test_holm_runs_over_the_pairs_of_each_metric() -> None:
    random = np.random.default_rng(1)
    names = tuple(str(at) for at in range(50))
    models = [
        PerQuery(f"m{at}", PROTOCOL, names, names, {one: random.normal(at / 5, 1, 50) for one in ("mrr", "map")})
        for at in range(3)
    ]
    found = compare(models)
    assert [one.metric for one in found] == ["mrr"] * 3 + ["map"] * 3
    for metric in ("mrr", "map"):
        own = [one for one in found if one.metric == metric]
        assert {frozenset((one.first, one.second)) for one in own} == {
            frozenset(pair) for pair in (("m0", "m1"), ("m0", "m2"), ("m1", "m2"))
        }
        assert [one.p_holm for one in own] == holm([one.p for one in own])


def test_the_smallest_difference_by_hand() -> None:
    """Sums 2, 0, 1, 1 of images with one query each: mean 1, variance 2/3, standard error √(2/3 / 4)."""
    found = smallest_difference(np.array([2.0, 0.0, 1.0, 1.0]), Clusters.of(list("abcd")))
    assert found == pytest.approx((1.959964 + 0.841621) * math.sqrt(2 / 3 / 4), rel=1e-6)


def test_the_smallest_difference_knows_that_captions_of_an_image_go_together() -> None:
    one = np.array([1.0, 0.0, -1.0, 0.5, 0.25, -0.5])
    alone = smallest_difference(one, Clusters.of(list("abcdef")))
    five = smallest_difference(np.repeat(one, 5), Clusters.of(sorted("abcdef" * 5)))
    assert five == pytest.approx(alone)


def test_models_that_never_differ_leave_what_six_images_could_show() -> None:
    names = [str(at) for at in range(1000)]
    assert smallest_difference(np.zeros(1000), Clusters.of(names)) == pytest.approx(7.906 / 1000)
    assert smallest_difference(np.zeros(3), Clusters.of(list("abc"))) == 1.0
    six_or_more = 1 - sum(math.exp(-7.906) * 7.906**k / math.factorial(k) for k in range(6))
    assert six_or_more == pytest.approx(0.8, abs=1e-4)


def test_one_model_alone_is_compared_with_nothing() -> None:
    assert compare([BETTER]) == compare([]) == ()


def test_two_protocols_or_other_queries_are_refused() -> None:
    elsewhere = replace(WORSE, protocol=replace(PROTOCOL, gallery=30_000))
    with pytest.raises(DataError, match=r"two protocols.*mirante rescore"):
        compare([BETTER, elsewhere])
    with pytest.raises(DataError, match="'better' answered 6 queries and 'worse' 6, not the same"):
        compare([BETTER, replace(WORSE, queries=QUERIES[::-1])])
    with pytest.raises(UnknownName, match="metric of 'other' 'mrr'"):
        compare([BETTER, model("other", [0.0] * 6, "map")])
