"""Two collections side by side: the same pictures, one of them without red."""

import re
from pathlib import Path

import pytest

from mirante import encoders
from mirante.search import Entry, Gallery
from mirante.types import Embeddings, Provenance
from mirante.web import Shown
from mirante.web.comparison import side_by_side


@pytest.fixture
def fewer(tmp_path: Path) -> Shown:
    """Green and blue only, as words."""
    toy = encoders.load("toy")
    rows = Embeddings(("green", "blue"), toy.encode_texts(["green", "blue"]), toy.provenance)
    gallery = Gallery.create(tmp_path / "fewer", "exact", rows, [Entry("green"), Entry("blue")])
    return Shown(gallery, toy, {}, "Fewer <b>")


def columns(html: str) -> dict[str, list[str]]:
    """Heading of each column → where its answers stand in the others."""
    found = re.findall(r"<section aria-label=\"(.*?)\">(.*?)</section>", html, re.DOTALL)
    return {name: re.findall(r'class="ranks">(.*?)</small>', inside) for name, inside in found}


def test_each_answer_says_where_the_others_have_it(shown: Shown, fewer: Shown) -> None:
    html = side_by_side([shown, fewer], "en", "blue", 2)
    assert columns(html) == {
        "Squares": ["Fewer &lt;b&gt;: place 1", "Fewer &lt;b&gt;: not among these"],
        "Fewer &lt;b&gt;": ["Squares: place 1", "Squares: not among these"],
    }
    assert "1 of 2 answers are found by all." in html


def test_it_speaks_portuguese(shown: Shown, fewer: Shown) -> None:
    html = side_by_side([shown, fewer], "pt", "azul", 1)
    assert columns(html)["Squares"] == ["Fewer &lt;b&gt;: posição 1"]
    assert "1 de 1 respostas são encontradas por todos." in html


def test_one_alone_or_nothing_asked_is_told_so(shown: Shown, fewer: Shown) -> None:
    assert "Choose at least two to compare." in side_by_side([shown], "en", "red", 2)
    assert "Write what to look for" in side_by_side([shown, fewer], "en", "  ", 2)


def test_a_collection_that_cannot_answer_does_not_hide_the_other(shown: Shown, tmp_path: Path) -> None:
    toy = encoders.load("toy")
    other = Embeddings(("red",), toy.encode_texts(["red"]), Provenance("another", "1", "words"))
    strange = Shown(Gallery.create(tmp_path / "other", "exact", other, [Entry("red")]), toy, {}, "Strange")
    html = side_by_side([shown, strange], "en", "red", 1)
    assert "made by &#x27;another&#x27;" in html
    assert columns(html)["Squares"] == ["Strange: not among these"]
