"""A calibrated gallery: the page says how probable each answer is, and when nothing matches."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from mirante import encoders
from mirante.search import Calibration, Gallery
from mirante.search.calibration import Curve, Terms
from mirante.web.answers import Answers


@pytest.fixture
def answering(gallery: Gallery, squares: dict[str, Callable[[], Image.Image]]) -> Answers:
    """Log-odds of 10 · cosine − 5: an exact match is 99 % probable, no match 1 %, and nothing matches below 50 %."""
    curve = Curve(-5.0, 10.0, 0.0)
    terms = Terms(gallery.provenance, "images", "made", len(gallery), 0.5, 0.05, 0.5, curve, curve)
    Calibration(terms, np.zeros(gallery.dim, np.float32), np.eye(gallery.dim, dtype=np.float32)).save(gallery.folder)
    return Answers(Gallery.open(gallery.folder), encoders.load("toy"), squares)


def shown(html: str) -> list[str]:
    return re.findall(r"<small>(.*?)</small>", html)


def test_each_answer_says_how_probable_it_is(answering: Answers) -> None:
    assert shown(answering.find("en", "red", None, "", "", 2)) == [
        "score 1.00, relevant: 99%",
        "score 0.00, relevant: 1%",
    ]
    assert shown(answering.find("pt", "vermelho", None, "", "", 1)) == ["pontuação 1,00, relevante: 99%"]


def test_sums_are_scored_only(answering: Answers) -> None:
    assert shown(answering.find("en", "red", None, "blue", "", 1)) == ["score 0.71"]


def test_a_query_for_what_is_not_there_is_told_so_above_the_results(answering: Answers) -> None:
    html = answering.find("en", "yellow", None, "", "", 2)
    assert html.startswith('<p class="notice" role="alert">Nothing here matches')
    assert len(shown(html)) == 2
    assert "Nada aqui corresponde" in answering.find("pt", "amarelo", None, "", "", 1)
    assert "Nothing here matches" not in answering.find("en", "red", None, "", "", 1)
