"""Classifiers learned on rows: the optimum of the one, the votes of the other, and how their setting is chosen."""

import math

import numpy as np
import pytest

from mirante.classification import logistic, neighbours
from mirante.classification.probes import learn
from mirante.classification.reliability import reliability
from mirante.errors import DataError, UnknownName


def clouds(count: int, spread: float = 0.5, seed: int = 0):
    """Unit rows around three axes, and their classes."""
    random = np.random.default_rng(seed)
    targets = np.arange(count) % 3
    rows = np.eye(5)[targets] + spread * random.normal(size=(count, 5))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), targets


@pytest.mark.parametrize("strength", [1e-1, 1e-3])
def test_the_linear_probe_is_where_the_gradient_vanishes(strength: float) -> None:
    rows, targets = clouds(90)
    found = logistic.fit(rows, targets, 3, strength)
    residual = (found.probabilities(rows) - np.eye(3)[targets]) / len(rows)
    np.testing.assert_allclose(residual.T @ rows + strength * found.weights, 0, atol=1e-5)
    np.testing.assert_allclose(residual.sum(axis=0), 0, atol=1e-5)


def test_probabilities_of_a_linear_probe_by_hand() -> None:
    probe = logistic.Logistic(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(
        probe.probabilities(np.array([[3.0, 1.0]], np.float32)), [[math.e / (math.e + 1), 1 / (math.e + 1)]]
    )


def test_three_neighbours_vote_by_how_near_they_are() -> None:
    """Cosines 1.0 and 0.8 vote for class 1, 0.6 for class 0, with exp(cosine / 0.07); the fourth is not asked."""
    known = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], np.float32)
    said = neighbours.fit(known, np.array([1, 1, 0, 0]), 2, 3).probabilities(np.array([[1, 0]], np.float32))
    weights = [math.exp(cosine / 0.07) for cosine in (1.0, 0.8, 0.6)]
    assert said[0, 0] == pytest.approx(weights[2] / sum(weights), rel=1e-4)
    assert said.sum() == pytest.approx(1)


def test_more_neighbours_than_rows_are_all_rows() -> None:
    said = neighbours.fit(np.eye(2, dtype=np.float32), np.array([0, 1]), 3, 50).probabilities(
        np.eye(2, dtype=np.float32)
    )
    assert said.argmax(axis=1).tolist() == [0, 1]
    assert said[:, 2].tolist() == [0, 0], "nobody voted for the third class"


@pytest.mark.parametrize("kind", ["linear", "knn"])
def test_a_probe_learns_what_can_be_learned(kind: str) -> None:
    rows, targets = clouds(150, 0.3)
    fresh, truth = clouds(90, 0.3, seed=1)
    probe = learn(kind, rows, targets, classes=3, contents=[str(at) for at in range(150)])
    assert np.mean(probe.classifier.probabilities(fresh).argmax(axis=1) == truth) > 0.9
    assert probe.held_out > 0.9


def test_what_was_held_out_is_learned_from_in_the_end() -> None:
    rows, targets = clouds(60)
    contents = [str(at) for at in range(60)]
    linear, knn = (learn(kind, rows, targets, classes=3, contents=contents) for kind in ("linear", "knn"))
    assert np.array_equal(knn.classifier.rows, rows)  # type: ignore[attr-defined]
    whole = logistic.fit(rows, targets, 3, linear.setting)
    np.testing.assert_allclose(linear.classifier.weights, whole.weights, atol=1e-6)  # type: ignore[attr-defined]


def test_noise_asks_for_a_simpler_model_than_order() -> None:
    def setting(spread: float) -> float:
        rows, targets = clouds(120, spread)
        return learn("linear", rows, targets, classes=3, contents=[str(at) for at in range(120)]).setting

    assert setting(2.0) > setting(0.05)


def test_the_setting_is_chosen_so_that_probabilities_hold() -> None:
    rows, targets = clouds(300)
    fresh, truth = clouds(600, seed=1)
    probe = learn("linear", rows, targets, classes=3, contents=[str(at) for at in range(300)])
    said = probe.classifier.probabilities(fresh)
    assert reliability(said.max(axis=1), said.argmax(axis=1) == truth).error < 0.06


def test_equal_pictures_never_stand_on_both_sides() -> None:
    """Each picture has a twin and a label of its own: only who has seen the twin could know it."""
    random = np.random.default_rng(0)
    rows = np.repeat(random.normal(size=(60, 40)), 2, axis=0).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    targets = np.repeat(random.integers(4, size=60), 2)
    twins = learn("knn", rows, targets, classes=4, contents=[str(at // 2) for at in range(120)])
    apart = learn("knn", rows, targets, classes=4, contents=[str(at) for at in range(120)])
    assert twins.held_out < 0.6 < 0.7 < apart.held_out


def test_what_cannot_be_learned_is_refused() -> None:
    rows, targets = clouds(4)
    with pytest.raises(UnknownName, match="Did you mean 'linear'"):
        learn("liner", rows, targets, classes=3, contents="abcd")
    with pytest.raises(DataError, match="2 different pictures, not 1"):
        learn("knn", rows, targets, classes=3, contents="aaaa")
