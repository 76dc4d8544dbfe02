"""A calibrated gallery: the page says how probable each answer is, and when nothing matches."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from mirante import encoders
from mirante.search import Calibration, Gallery
from mirante.search.calibration import Curve, Terms
from mirante.web import Shown
from mirante.web.answers import Asked, find


@pytest.fixture
def answer(gallery: Gallery, squares: dict[str, Callable[[], Image.Image]]) -> Callable[..., str]:
    """Log-odds of 10 · cosine − 5: an exact match is 99 % probable, no match 1 %, and nothing matches below 50 %."""
    curve = Curve(-5.0, 10.0, 0.0)
    terms = Terms(gallery.provenance, "images", "made", len(gallery), 0.5, 0.05, 0.5, curve, curve)
    Calibration(terms, np.zeros(gallery.dim, np.float32), np.eye(gallery.dim, dtype=np.float32)).save(gallery.folder)
    calibrated = Shown(Gallery.open(gallery.folder), encoders.load("toy"), squares)
    return lambda lang, text, count, minus="": find(calibrated, lang, Asked(text, minus=minus, count=count))


def shown(html: str) -> list[str]:
    return re.findall(r"<small>(.*?)</small>", html)


def test_each_answer_says_how_probable_it_is(answer: Callable[..., str]) -> None:
    assert shown(answer("en", "red", 2)) == [
        "score 1.00, relevant: 99%",
        "score 0.00, relevant: 1%",
    ]
    assert shown(answer("pt", "vermelho", 1)) == ["pontuação 1,00, relevante: 99%"]


def test_sums_are_scored_only(answer: Callable[..., str]) -> None:
    assert shown(answer("en", "red", 1, "blue")) == ["score 0.71"]


def test_a_query_for_what_is_not_there_is_told_so_above_the_results(answer: Callable[..., str]) -> None:
    html = answer("en", "yellow", 2)
    assert html.startswith('<p class="notice" role="alert">Nothing here matches')
    assert len(shown(html)) == 2
    assert "Nada aqui corresponde" in answer("pt", "amarelo", 1)
    assert "Nothing here matches" not in answer("en", "red", 1)
