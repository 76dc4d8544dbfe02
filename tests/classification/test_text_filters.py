"""Filters by texts: their score, their threshold, and what is said of it."""

from contextlib import suppress

import numpy as np
import pytest

from mirante import encoders
from mirante.classification.filters import TextFilter, choose, threshold
from mirante.errors import UsageError

ROWS = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], np.float32)
EAST, NORTH = ROWS[:1], ROWS[2:]


def test_the_best_text_counts_less_the_best_that_speaks_against() -> None:
    assert TextFilter(EAST, EAST[:0]).scores(ROWS).tolist() == pytest.approx([1.0, 0.6, 0.0])
    assert TextFilter(EAST, NORTH).scores(ROWS).tolist() == pytest.approx([1.0, -0.2, -1.0])
    assert TextFilter(np.concatenate([EAST, NORTH]), EAST[:0]).scores(ROWS).tolist() == pytest.approx([1.0, 0.8, 1.0])


def test_the_mean_of_the_texts_where_that_is_wanted() -> None:
    both = np.concatenate([EAST, NORTH])
    assert TextFilter(both, EAST[:0], "mean").scores(ROWS).tolist() == pytest.approx([0.5, 0.7, 0.5])


def test_texts_become_rows_of_the_model() -> None:
    made = TextFilter.of(encoders.load("toy"), ["red", "vermelho"], contrast=["blue"])
    assert (made.texts.argmax(axis=1).tolist(), made.contrast.argmax(axis=1).tolist()) == ([0, 0], [4])
    with pytest.raises(UsageError, match="without texts"):
        TextFilter.of(encoders.load("toy"), [])


SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
TRUTH = np.array([True, True, False, True, False, False])


def test_the_threshold_of_best_f1_lies_between_two_scores() -> None:
    """At 0.6: 3 of 4 right, all found, F1 = 6/7; at 0.8: both right, 2 of 3 found, F1 = 4/5."""
    assert threshold(SCORES, TRUTH) == pytest.approx(0.55)


@pytest.mark.parametrize(("precision", "expected"), [(0.5, 0.4), (0.6, 0.45), (0.75, 0.55), (0.9, 0.75), (1.0, 0.75)])
def test_the_lowest_threshold_with_the_wanted_precision(precision: float, expected: float) -> None:
    assert threshold(SCORES, TRUTH, precision=precision) == pytest.approx(expected)


def test_a_precision_out_of_reach_is_refused_with_the_best() -> None:
    with pytest.raises(UsageError, match=r"precision 0.9 .* the best reaches 0.500"):
        threshold(SCORES, ~TRUTH, precision=0.9)


def test_equal_scores_are_never_parted() -> None:
    assert threshold(np.array([0.7, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == pytest.approx(0.3)


def test_precision_and_recall_are_of_the_other_half() -> None:
    """200 pictures match and score above 0.5 but for one in ten; 200 do not and score below but for one in five."""
    truth = np.repeat([True, False], 200)
    high = np.concatenate([np.arange(200) % 10 > 0, np.arange(200) % 5 == 0])
    scores = np.where(high, 0.8, 0.2) + np.random.default_rng(0).uniform(-0.1, 0.1, 400)
    found = choose(scores, truth)
    assert (found.examples, found.positives) == (200, 100)
    assert 0.2 < found.threshold < 0.8
    assert found.precision.low < 0.9 / 1.1 < found.precision.high
    assert found.recall.low < 0.9 < found.recall.high
    assert found.precision.high - found.precision.low > 0.05


def test_a_threshold_that_only_fits_its_own_half_is_shown_as_such() -> None:
    """Scores that say nothing: 80 % by chance on one half are about 50 % on the other."""
    found = []
    for seed in range(30):
        with suppress(UsageError):
            scores = np.random.default_rng(seed).normal(size=80)
            found.append(choose(scores, np.arange(80) < 40, precision=0.8).precision.value)
    assert len(found) > 10
    assert np.mean(found) < 0.7


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(UsageError, match="3 labelled pictures should match and 3 should not"):
        choose(SCORES, TRUTH)
