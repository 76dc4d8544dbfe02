"""Who is ahead, and who cannot be told from whom."""

from itertools import combinations

import numpy as np
import pytest

from mirante.errors import UnknownName
from mirante.evaluation.comparison import Comparison
from mirante.evaluation.league import league, letter_display
from mirante.types import TIE_RULE, Estimate, Protocol, Provenance, Result

PROTOCOL = Protocol("toy:test", "en", "text_to_image", 4, 6, 1.5, "as given", 4, 0, TIE_RULE)


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        ([], {"A": "a", "B": "a", "C": "a", "D": "a"}),
        (["AC", "AD"], {"A": "a", "B": "ab", "C": "b", "D": "b"}),
        (["AB", "AC", "AD", "BC", "BD", "CD"], {"A": "a", "B": "b", "C": "c", "D": "d"}),
        (["AD"], {"A": "a", "B": "ab", "C": "ab", "D": "b"}),
        (["AB"], {"A": "a", "B": "b", "C": "ab", "D": "ab"}),  # more captions differ between A and D: no band in order
        (["AC", "BD"], {"A": "ab", "B": "ac", "C": "cd", "D": "bd"}),
    ],
)
def test_letters_by_hand(apart: list[str], expected: dict[str, str]) -> None:
    assert letter_display("ABCD", [(pair[0], pair[1]) for pair in apart]) == expected


def test_two_models_share_a_letter_exactly_when_they_are_not_told_apart() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        models = [f"m{at}" for at in range(int(random.integers(2, 9)))]
        apart = [pair for pair in combinations(models, 2) if random.random() < 0.4]
        letters = {model: set(given) for model, given in letter_display(models, apart).items()}
        for one, other in combinations(models, 2):
            assert bool(letters[one] & letters[other]) == ((one, other) not in apart)
        assert letters[models[0]] >= {"a"}


def result(model: str, value: float, protocol: Protocol = PROTOCOL) -> Result:
    made = Provenance(model, "r", "p")
    return Result(model, "toy:test", protocol, {"mrr": Estimate(value, value - 0.1, value + 0.1)}, made)


def comparison(first: str, second: str, p_holm: float, metric: str = "mrr") -> Comparison:
    return Comparison(metric, first, second, PROTOCOL, 0.1, 0.0, 0.2, 0.01, 0.01, p_holm, 0.1, 6, 4)


def test_a_league_is_ordered_and_lettered_by_the_corrected_tests() -> None:
    found = league(
        [result("low", 0.2), result("high", 0.6), result("middle", 0.5)],
        [comparison("high", "low", 0.05), comparison("high", "middle", 0.051), comparison("middle", "low", 0.2)],
        "mrr",
    )
    assert found is not None
    assert [(place.model, place.letters) for place in found.places] == [("high", "a"), ("middle", "ab"), ("low", "b")]
    assert found.places[0].value == Estimate(0.6, 0.5, 0.7)
    between = found.between("low", "high")
    assert between is not None
    assert (between.first, between.p_holm) == ("high", 0.05)


def test_without_comparisons_by_that_metric_there_is_no_league() -> None:
    results = [result("low", 0.2), result("high", 0.6)]
    assert league(results, [], "mrr") is None
    with pytest.raises(UnknownName, match=r"metric that models were compared by 'mrr'.*Valid: map"):
        league(results, [comparison("high", "low", 0.01, "map")], "mrr")
    elsewhere = Protocol("other", "en", "text_to_image", 4, 6, 1.5, "as given", 4, 0, TIE_RULE)
    assert league([result("low", 0.2, elsewhere)], [comparison("high", "low", 0.01)], "mrr") is None
