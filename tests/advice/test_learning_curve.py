"""The curve through a few shares: it finds what made the points, says how unsure it is, and when not to believe it."""

import numpy as np
import pytest

from mirante.advice.curve import Curve, Point, extrapolate, follow

QUERIES = 1_000
ALL = 10_000


def made(share: float, queries: int = QUERIES) -> np.ndarray:
    """Hits of so many queries, spread evenly, of which that share are right."""
    return (np.arange(queries) * 0.6180339887 % 1 < share).astype(np.float64)


def followed(*points: tuple[int, float], pictures: int = ALL, queries: int = QUERIES) -> Curve:
    """The curve through (pictures, R@1), one query an image."""
    clusters = [f"image {number}" for number in range(queries)]
    return extrapolate([Point(n, made(value, queries)) for n, value in points], clusters, pictures)


def law(n: float, top: float = 0.8, fall: float = 3.0, exponent: float = 0.4) -> float:
    return top - fall * n**-exponent


def awakening(n: float, start: float = 0.03, top: float = 0.95, half: float = 700.0, exponent: float = 0.9) -> float:
    """A model that knows nothing at first: s + (c − s) / (1 + (k/n)^b)."""
    return start + (top - start) / (1 + (half / n) ** exponent)


RISING = ((0, 0.05), (100, law(100)), (500, law(500)), (2_000, law(2_000)))


def test_the_points_are_as_measured() -> None:
    curve = followed(*RISING)
    assert [n for n, _ in curve.points] == [0, 100, 500, 2_000]
    assert [one.value for _, one in curve.points] == pytest.approx([value for _, value in RISING], abs=0.001)
    assert all(one.low < one.value < one.high for _, one in curve.points)


def test_a_power_law_is_followed_to_all_of_the_data() -> None:
    """0.8 − 3·n^−0.4 is 0.657 at 2,000 pictures and 0.725 at 10,000."""
    curve = followed(*RISING)
    assert curve.expected.value == pytest.approx(law(ALL), abs=0.03)
    assert curve.expected.low < law(ALL) < curve.expected.high
    assert curve.gain.value == pytest.approx(law(ALL) - 0.05, abs=0.03)
    assert curve.trusted


def test_a_model_that_knows_nothing_at_first_is_followed_too() -> None:
    """R@1 of .17, .42 and .70 rises ever faster by n, as no first law does; at 10,000 pictures it is .88."""
    curve = followed((0, 0.03), *((n, awakening(n)) for n in (100, 500, 2_000)))
    assert curve.expected.low < awakening(ALL) < curve.expected.high
    assert curve.expected.value == pytest.approx(awakening(ALL), abs=0.1)
    assert curve.trusted


def test_points_that_no_law_comes_near_are_doubted_and_their_interval_is_wide() -> None:
    """Nothing for four hundred pictures, then a leap: the best law misses by many deviations."""
    leap, fit = followed((0, 0.03), (100, 0.3), (500, 0.3), (2_000, 0.8)), followed(*RISING)
    assert "misfit" in leap.doubts
    assert "misfit" not in fit.doubts
    assert leap.expected.high - leap.expected.low > 2 * (fit.expected.high - fit.expected.low)


def test_the_line_goes_from_the_smallest_share_to_all_and_grows_unsure() -> None:
    line = followed(*RISING).line
    assert (line[0][0], line[-1][0]) == (100, ALL)
    widths = [one.high - one.low for _, one in line]
    assert widths[-1] > 1.2 * widths[len(line) // 2]


def test_a_curve_never_leaves_zero_to_one() -> None:
    curve = followed((0, 0.5), (100, 0.6), (500, 0.9), (2_000, 0.999))
    assert 0.95 < curve.expected.value <= 1
    assert curve.expected.high <= 1


def test_a_flat_curve_promises_nothing() -> None:
    curve = followed((0, 0.4), (100, 0.41), (500, 0.41), (2_000, 0.41))
    assert abs(curve.expected.value - 0.41) < 0.03
    assert "no-rise" in curve.doubts
    assert "wide" in curve.doubts


def test_what_was_measured_is_kept_apart_from_what_is_expected() -> None:
    curve = followed(*RISING)
    assert curve.measured_gain.value == pytest.approx(law(2_000) - 0.05, abs=0.001)
    assert curve.measured_gain.value < curve.gain.value


@pytest.mark.parametrize(
    ("points", "pictures", "doubts"),
    [
        (RISING, ALL, ()),
        (RISING[:3], 5_000, ("few-points",)),
        (RISING[:2], 1_000, ("few-points",)),
        (((0, 0.05), (16, 0.1), (50, 0.3), (99, 0.4)), 500, ("few-pictures",)),
        (((0, 0.05), (16, 0.1), (50, 0.3), (100, 0.4)), 500, ()),
        (RISING, 20_001, ("far",)),
        (RISING, 20_000, ()),
        (((0, 0.05), (100, 0.5), (500, 0.5), (2_000, 0.4)), ALL, ("no-rise",)),
    ],
)
def test_when_the_extrapolation_is_not_to_be_trusted(
    points: tuple[tuple[int, float], ...], pictures: int, doubts: tuple[str, ...]
) -> None:
    curve = followed(*points, pictures=pictures)
    assert set(doubts) <= set(curve.doubts)
    assert curve.trusted == (curve.doubts == ())
    if not doubts:
        assert curve.doubts == ()


def test_an_interval_wider_than_the_gain_is_said() -> None:
    few = followed((0, 0.30), (100, 0.30), (500, 0.32), (2_000, 0.34), queries=60)
    assert few.gain.high - few.gain.low > few.gain.value
    assert {"wide", "no-rise"} <= set(few.doubts), "4 points more in 60 queries are no sure rise"


def test_a_single_share_gives_no_curve() -> None:
    curve = followed((0, 0.1), (500, 0.4), pictures=2_500)
    assert curve.line == ()
    assert curve.expected.value == pytest.approx(0.4, abs=0.01)
    assert not curve.trusted


def test_the_queries_of_one_image_are_drawn_together() -> None:
    """Five captions an image that are right or wrong together tell as much as one."""
    hits = [(n, made(value, 200)) for n, value in RISING]
    alone = extrapolate([Point(n, one) for n, one in hits], [str(i) for i in range(200)], ALL)
    fives = [str(i) for i in range(200) for _ in range(5)]
    together = extrapolate([Point(n, np.repeat(one, 5)) for n, one in hits], fives, ALL)
    width = alone.points[3][1].high - alone.points[3][1].low
    assert together.points[3][1].high - together.points[3][1].low == pytest.approx(width, rel=0.1)


def test_the_same_seed_gives_the_same_curve() -> None:
    assert followed(*RISING) == followed(*RISING)


def test_every_law_that_fits_takes_part() -> None:
    """Two points a decade apart fit many laws exactly, and each decade may gain nearly nothing or as much again.

    The first law with exponent 2 ends at 0.5 + 0.2/100; the slowest one that stays below 1 at 0.5 + 0.2·5/7.
    """
    points = np.tile([[0.1, 0.30, 0.50]], (4_000, 1)) + np.random.default_rng(0).normal(0, 1e-4, (4_000, 3))
    reached = follow(np.array([100.0, 1_000.0]), points, np.array([10_000.0]), np.random.default_rng(1))[:, 0]
    assert reached.min() == pytest.approx(0.502, abs=0.01)
    assert reached.max() == pytest.approx(0.643, abs=0.03)
    assert reached.std() > 0.03


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["falling", "awakening"])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(kind: str) -> None:
    """40 worlds of known laws, with a deviation of a point from run to run: 95 % intervals should miss about 2."""
    random = np.random.default_rng(7)
    held = 0
    for world in range(40):
        start, top = random.uniform(0.01, 0.2), random.uniform(0.5, 0.95)
        if kind == "falling":
            exponent = random.uniform(0.15, 1.0)
            fall = (top - random.uniform(start, 0.6 * top)) * 100**exponent
            values = [law(n, top, fall, exponent) for n in (100, 500, 2_000, ALL)]
        else:
            half, exponent = random.uniform(100, 4_000), random.uniform(0.5, 1.2)
            values = [awakening(n, start, top, half, exponent) for n in (100, 500, 2_000, ALL)]
        noisy = [start, *(one + random.normal(0, 0.01) for one in values[:3])]
        easy = random.uniform(size=600)
        known = [np.where(random.uniform(size=600) < 0.7, easy, random.uniform(size=600)) for _ in noisy]
        hits = [(known[at] < one).astype(float) for at, one in enumerate(noisy)]
        points = [Point(n, one) for n, one in zip((0, 100, 500, 2_000), hits, strict=True)]
        found = extrapolate(points, [str(i) for i in range(600)], ALL, seed=world)
        held += found.expected.low <= values[3] <= found.expected.high
    assert held >= 36
