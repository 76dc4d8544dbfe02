"""Answers that grow: three squares, and a generator that says what it is told to say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mirante.errors import ModelError
from mirante.generation import open_generator
from mirante.search import Calibration, Gallery
from mirante.search.calibration import Curve, Terms
from mirante.web import Shown
from mirante.web.replies import replies


@dataclass
class Says:
    """Says pieces, then fails where it is told to."""

    pieces: tuple[str, ...]
    fails: bool = False
    name: str = "says"
    closed: list[bool] = field(default_factory=list)

    def generate(self, asked: Any) -> Iterator[str]:
        try:
            yield from self.pieces
            if self.fails:
                raise ModelError("The server is gone: start it.")
        finally:
            self.closed.append(True)


def answer(shown: Shown, generator: Any, lang: str = "en", question: str = "red?") -> list[str]:
    return list(replies(shown, generator, lang, question))


def test_each_piece_is_shown_as_it_comes_and_citations_become_links(shown: Shown) -> None:
    grown = answer(shown, Says(("It is ", "red [red]", ".")))
    said = [re.findall(r"<p>(.*?)</p>", one) for one in grown]
    assert said[:4] == [[], ["It is"], ["It is red [red]"], ["It is red [red]."]]
    assert '<p>It is red <a href="#entry-0">[red]</a>.</p>' in grown[-1]
    assert '<li id="entry-0" class=cited>' in grown[-1]
    assert "Answered by says" in grown[-1]


def test_cited_entries_come_first_with_their_fields(shown: Shown) -> None:
    html = answer(shown, Says(("See [blue].",)))[-1]
    ids = re.findall(r"<small>\[(\w+)\]", html)
    assert ids[0] == "blue"
    assert sorted(ids) == ["blue", "green", "red"]
    (place,) = re.findall(r'<a href="#([\w-]+)">\[blue\]</a>', html)
    assert re.findall(r'<li id="([\w-]+)"', html)[0] == place, "the link leads to the entry that is cited"
    assert len(set(re.findall(r'<li id="([\w-]+)"', html))) == 3
    assert "<dt>warm</dt><dd>False</dd>" in html


def test_an_answer_cannot_write_html_and_cites_nothing_else(shown: Shown) -> None:
    html = answer(shown, Says(("<b>bold</b> [gone] [red]",)))[-1]
    assert "<b>" not in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "gone" not in html


def test_what_was_said_before_a_failure_stays(shown: Shown) -> None:
    html = answer(shown, Says(("It is ",), fails=True), "pt")[-1]
    assert "<p>It is</p>" in html
    assert "A resposta parou aqui. The server is gone" in html


def test_who_stops_reading_stops_the_generator(shown: Shown) -> None:
    generator = Says(("one ", "two "))
    growing = replies(shown, generator, "en", "red?")
    next(growing), next(growing)
    growing.close()
    assert generator.closed == [True]


def test_what_is_not_there_is_said_without_a_generator(shown: Shown) -> None:
    gallery, curve = shown.gallery, Curve(-5.0, 10.0, 0.0)
    terms = Terms(gallery.provenance, "images", "made", len(gallery), 0.5, 0.05, 0.5, curve, curve)
    Calibration(terms, np.zeros(gallery.dim, np.float32), np.eye(gallery.dim, dtype=np.float32)).save(gallery.folder)
    generator = Says(("never",))
    calibrated = Shown(Gallery.open(gallery.folder), shown.encoder, shown.pictures)
    html = answer(calibrated, generator, question="What is yellow?")[-1]
    assert html == '<p class="notice" role="alert">That is not in this collection.</p>'
    assert generator.closed == []


def test_the_generator_without_a_model_says_that_it_is_one(shown: Shown) -> None:
    html = answer(shown, open_generator("extractive"), "pt", "O que é azul?")[-1]
    assert "nenhum modelo escreveu isto" in html
    assert "Respondido por extractive" in html
    assert '<a href="#entry-0">[blue]</a>' in html


def test_a_blank_question_is_told_so(shown: Shown) -> None:
    assert answer(shown, Says(()), "pt", "  ") == ['<p class="notice" role="alert">Escreva uma pergunta.</p>']
