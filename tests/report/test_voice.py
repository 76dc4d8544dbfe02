import math

import pytest

from mirante.report.galleries import rank_words
from mirante.report.voice import Voice
from mirante.types import Estimate, Protocol

EN, PT = Voice("en"), Voice("pt")


@pytest.mark.parametrize(
    ("value", "places", "english", "portuguese"),
    [
        (1234.5, 1, "1,234.5", "1.234,5"),
        (1000000, 0, "1,000,000", "1.000.000"),
        (-0.25, 2, "−0.25", "−0,25"),
        (-0.0001, 2, "0.00", "0,00"),
        (math.nan, 1, "—", "—"),
        (math.inf, 1, "∞", "∞"),
    ],
)
def test_numbers(value: float, places: int, english: str, portuguese: str) -> None:
    assert EN.number(value, places) == english
    assert PT.number(value, places) == portuguese


def test_percentages_have_one_decimal() -> None:
    assert EN.percent(0.6525) == "65.2%"
    assert PT.percent(1.0) == "100,0%"


def test_lists_of_names() -> None:
    assert EN.names(["a"]) == "a"
    assert EN.names(["a", "b", "c"]) == "a, b and c"
    assert PT.names(["a", "b"]) == "a e b"


def test_an_interval_that_was_not_computed_is_not_said() -> None:
    assert EN.interval(Estimate(0.5, 0.5, 0.5)) == ""
    assert PT.interval(Estimate(0.5, 0.4, 0.6)) == ", intervalo de 40,0% a 60,0%"


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("", "all languages"),
        ("pt-BR", "Brazilian Portuguese"),
        ("pt_BR", "Brazilian Portuguese"),
        ("sw", "Swahili"),
        ("quz", "Cusco Quechua"),
        ("tlh", "tlh"),
    ],
)
def test_languages_of_captions(tag: str, name: str) -> None:
    assert EN.language(tag) == name


@pytest.mark.parametrize(
    ("rank", "said"),
    [
        (1, "The very first answer is right."),
        (3, "The first right answer is number 3."),
        (5, "The first right answer is number 5."),
        (6, "The first right answer is number 6 of 2,000, beyond those shown."),
        (None, "No right answer among the first 1,000."),
        (0, "No right answer among the first 1,000."),
        (2001, "No right answer among the first 1,000."),
    ],
)
def test_ranks_in_words(rank: int | None, said: str) -> None:
    protocol = Protocol("d", "en", "text_to_image", 2000, 10, 1.0, "shared", 1000)
    assert rank_words(rank, 5, protocol, EN) == said
