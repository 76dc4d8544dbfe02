"""Accuracies, confusions and calibration on pictures whose label is known."""

import numpy as np
import pytest

from mirante.classification import judge
from mirante.classification.reliability import reliability
from mirante.classification.shares import share
from mirante.errors import UnknownName, UsageError

LABELS = ("cat", "dog", "fish")
SAID = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3], [0.4, 0.35, 0.25]])
TRUTH = ("cat", "fish", "cat", "dog")


def test_four_pictures_counted_by_hand() -> None:
    figures = judge(SAID, TRUTH, LABELS, clusters=("a", "b", "c", "d"))
    assert figures.metrics["top1"].value == 0.5
    assert figures.confusion.tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert {name: (count, right.value) for name, (count, right) in figures.classes.items()} == {
        "cat": (2, 0.5),
        "dog": (1, 0.0),
        "fish": (1, 1.0),
    }
    assert figures.metrics["mean_class_accuracy"].value == pytest.approx(0.5)
    assert figures.confusions() == [("cat", "dog", 1), ("dog", "cat", 1)]
    assert "top5" not in figures.metrics, "of three labels, five are always enough"


def test_the_order_of_the_labels_is_that_of_the_columns() -> None:
    turned = judge(SAID[:, ::-1], TRUTH, LABELS[::-1], clusters=("a", "b", "c", "d"))
    assert turned.metrics["top1"].value == 0.5
    assert turned.classes["fish"][1].value == 1.0


def test_what_was_taken_for_what_has_a_direction() -> None:
    """Two cats and a fish are called dogs; no dog is called anything."""
    figures = judge(np.tile([0.1, 0.8, 0.1], (3, 1)), ("cat", "cat", "fish"), LABELS, clusters=("a", "b", "c"))
    assert figures.confusion.tolist() == [[0, 2, 0], [0, 0, 0], [0, 1, 0]]
    assert figures.confusions() == [("cat", "dog", 2), ("fish", "dog", 1)]


def test_among_five_of_six_labels() -> None:
    said = np.array([[0.3, 0.25, 0.2, 0.15, 0.07, 0.03]] * 2)
    figures = judge(said, ("5", "6"), tuple("123456"), clusters=("a", "b"))
    assert (figures.metrics["top1"].value, figures.metrics["top5"].value) == (0.0, 0.5)


def test_equal_pictures_are_drawn_together() -> None:
    said, truth = np.repeat(SAID, 25, axis=0), tuple(np.repeat(TRUTH, 25))
    apart = judge(said, truth, LABELS, clusters=[str(at) for at in range(100)]).metrics["top1"]
    together = judge(said, truth, LABELS, clusters=[str(at // 25) for at in range(100)]).metrics["top1"]
    assert apart.high - apart.low < 0.25 < 0.9 < together.high - together.low


def test_a_label_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'fish'"):
        judge(SAID, ("cat", "fisch", "cat", "dog"), LABELS, clusters=("a", "b", "c", "d"))


def test_calibration_error_of_two_bins_by_hand() -> None:
    """Bin (0, ½]: 0.4 and 0.5, one right: |0.5 - 0.45|. Bin (½, 1]: 0.9, 0.9, 1.0, two right: |2/3 - 14/15|."""
    found = reliability(np.array([0.4, 0.5, 0.9, 0.9, 1.0]), np.array([True, False, True, False, True]), bins=2)
    assert found.error == pytest.approx(0.4 * 0.05 + 0.6 * (14 / 15 - 2 / 3))
    low, high = found.bins
    assert (low.low, low.high, low.count, low.accuracy) == (0.0, 0.5, 2, 0.5)
    assert low.confidence == pytest.approx(0.45)
    assert (high.low, high.high, high.count) == (0.5, 1.0, 3)


def test_an_edge_belongs_to_the_bin_below_it_and_nought_to_the_first() -> None:
    found = reliability(np.array([0.0, 1 / 15, 0.0667, 1.0]), np.ones(4, bool))
    assert [(round(15 * one.low), one.count) for one in found.bins] == [(0, 2), (1, 1), (14, 1)]


def test_no_answers_cannot_be_calibrated() -> None:
    with pytest.raises(UsageError, match="0 confidences and 0 truths"):
        reliability(np.empty(0), np.empty(0, bool))


def test_wilson_keeps_a_width_where_all_is_right() -> None:
    """Wilson 1927: of n right of n, the low end is n / (n + z²)."""
    found = share(10, 10)
    assert found.value == found.high == 1.0
    assert found.low == pytest.approx(10 / (10 + 1.959964**2))
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)
