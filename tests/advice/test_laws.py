"""The two laws of a learning curve: each finds what made its points, and none ends above 1."""

import numpy as np
import pytest

from mirante.advice.laws import EXPONENTS, HALVES, Fit, Task, fits

SIZES = np.array([50.0, 100.0, 400.0, 1_000.0, 3_000.0])
REACH = np.array([10_000.0])


def best(values: np.ndarray, start: float) -> Fit:
    """The law that comes nearest to (5,) values."""
    task = Task(SIZES, values[None], np.array([start]), np.eye(5) * 1e4, REACH)
    return min(fits(task), key=lambda one: float(one.error[0]))


def reached(one: Fit) -> float:
    return float(one.top[0] - one.fall[0] * one.decline[0])


def test_a_falling_rest_is_found() -> None:
    exponent = EXPONENTS[10]
    found = best(0.8 - 2 * SIZES**-exponent, start=0.05)
    assert found.error[0] < 1e-9
    assert (found.top[0], found.fall[0]) == (pytest.approx(0.8), pytest.approx(2.0))
    assert reached(found) == pytest.approx(0.8 - 2 * 10_000**-exponent)


def test_an_awakening_is_found_from_where_the_model_starts() -> None:
    """From 0.4 to 0.9, half of the way at the twelfth of the values of k that are tried."""
    exponent = EXPONENTS[20]
    half = np.geomspace(SIZES[0] / 10, 10 * REACH[0], HALVES)[12]
    found = best(0.4 + 0.5 / (1 + (half / SIZES) ** exponent), start=0.4)
    assert found.error[0] < 1e-9
    assert found.top[0] == pytest.approx(0.9)
    assert reached(found) == pytest.approx(0.4 + 0.5 / (1 + (half / 10_000) ** exponent))


def test_no_law_ends_above_one_or_falls() -> None:
    """Points that head for 1.3, and points that go down."""
    steep, falling = 1.3 - 3 * SIZES**-0.3, 0.5 - 0.0001 * SIZES
    for values in (steep, falling):
        task = Task(SIZES, values[None], np.array([0.1]), np.eye(5) * 1e4, REACH)
        for one in fits(task):
            assert 0 <= one.top[0] <= 1
            assert one.decline[0] <= 1
    down = list(fits(Task(SIZES, falling[None], np.array([0.1]), np.eye(5), REACH)))[: len(EXPONENTS)]
    assert all(one.fall[0] == 0 for one in down), "the first law then stays level"


def test_the_weight_says_which_points_matter() -> None:
    """Two points that contradict a level line: the one that is known well decides."""
    values, weight = np.array([0.5, 0.5, 0.5, 0.5, 0.3]), np.diag([1e6, 1e6, 1e6, 1e6, 1.0])
    level = next(iter(fits(Task(SIZES, values[None], np.array([0.1]), weight, REACH))))
    assert reached(level) == pytest.approx(0.5, abs=0.001)


def test_the_law_that_begins_where_the_model_does_is_likelier_before_the_points_are_seen() -> None:
    every = list(fits(Task(SIZES, np.full((1, 5), 0.5), np.array([0.1]), np.eye(5), REACH)))
    first, second = every[: len(EXPONENTS)], every[len(EXPONENTS) :]
    assert sum(one.prior for one in first) == pytest.approx(0.2)
    assert sum(one.prior for one in second) == pytest.approx(0.8)
