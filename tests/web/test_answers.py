"""What the page answers, on exact vectors: each picture is one axis, each colour word too."""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mirante import encoders
from mirante.search import Entry, Gallery, Hit
from mirante.types import Embeddings, Provenance
from mirante.web import Shown, answers
from mirante.web.answers import Asked

Squares = dict[str, Callable[[], Image.Image]]
CARD = re.compile(r'class="shown"[^>]* alt="a (?:&lt;b&gt;)?(\w+).*?<small>(.*?)</small>', re.DOTALL)


def cards(html: str) -> list[tuple[str, str]]:
    """(colour in the alternative text, score) of each card, best first."""
    return CARD.findall(html)


def encoded(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def messages_in(html: str) -> list[str]:
    return re.findall(r'<p class="notice" role="alert">(.*?)</p>', html)


def pictures_in(html: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/jpeg;base64,(.*?)"', html)
    return [Image.open(BytesIO(b64decode(one))) for one in found]


@pytest.fixture
def find(shown: Shown) -> Callable[..., str]:
    def find(text: str = "", *, count: int = 3, lang: str = "en", **asked: Any) -> str:
        return answers.find(shown, lang, Asked(text, count=count, **asked))

    return find


def test_a_text_finds_its_picture_first(find: Callable[..., str]) -> None:
    assert cards(find("something red", count=1)) == [("red", "score 1.00")]


def test_the_number_of_results_is_kept_and_said(find: Callable[..., str]) -> None:
    html = find("red", count=2)
    assert len(cards(html)) == 2
    assert "Results: 2, best first." in html


def test_a_portuguese_page_writes_portuguese_numbers(find: Callable[..., str]) -> None:
    html = find("um quadrado vermelho", lang="pt")
    assert cards(html)[0] == ("red", "pontuação 1,00")
    assert "Resultados: 3, do melhor para o pior." in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"text": "red", "plus": "blue"}, [("red", "0.71"), ("blue", "0.71"), ("green", "0.00")]),
        ({"plus": "red, blue^0.5"}, [("red", "0.89"), ("blue", "0.45"), ("green", "0.00")]),
        ({"text": "red blue", "minus": "blue"}, [("red", "0.92"), ("green", "0.00"), ("blue", "\u22120.38")]),
        (
            {"text": "green", "minus": "red , , blue"},
            [("green", "0.58"), ("red", "\u22120.58"), ("blue", "\u22120.58")],
        ),
    ],
)
def test_terms_add_and_take_away(
    find: Callable[..., str], query: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert cards(find(**query)) == [(colour, f"score {score}") for colour, score in expected]


def test_a_picture_finds_pictures_like_it_and_joins_other_terms(find: Callable[..., str]) -> None:
    mine = encoded(Image.new("RGB", (5, 5), (250, 4, 4)))
    assert cards(find(upload=mine, count=1)) == [("red", "score 1.00")]
    assert cards(find("blue", upload=mine, minus="green"))[-1] == ("green", "score \u22120.58")


@pytest.mark.parametrize("blank", [{}, {"text": "  "}, {"plus": " , ", "minus": ","}])
@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Write what to look for, or give a picture."),
        ("pt", "Escreva o que procura ou envie uma imagem."),
    ],
)
def test_an_empty_query_is_told_so(find: Callable[..., str], blank: dict[str, str], lang: str, said: str) -> None:
    html = find(**blank, lang=lang)
    assert messages_in(html) == [said]
    assert cards(html) == []


def test_terms_that_cancel_out_are_told_so(find: Callable[..., str]) -> None:
    (said,) = messages_in(find("red", minus="red"))
    assert said.startswith("The search was not possible. The 2 terms of the query cancel out")


@pytest.mark.parametrize(("lang", "said"), [("en", "not a picture"), ("pt", "não é uma imagem")])
def test_a_file_that_is_no_picture_is_told_so(find: Callable[..., str], lang: str, said: str) -> None:
    (told,) = messages_in(find("red", upload=b"ID3 a song under a false name", lang=lang))
    assert said in told


def test_an_empty_file_is_told_so_and_is_no_empty_query(find: Callable[..., str]) -> None:
    assert messages_in(find(upload=b"")) == ["The picture cannot be read: the file is empty. Choose another one."]


def test_the_picture_asked_with_is_shown_above_the_results(find: Callable[..., str]) -> None:
    html = find(upload=encoded(Image.new("RGB", (1000, 10), "blue")), count=1)
    asked, found = pictures_in(html)
    assert (asked.size, found.size) == ((384, 4), (384, 192))
    assert html.startswith('<img class="asked"')
    assert 'alt="More like this picture"' in html


def test_a_picture_of_too_many_pixels_is_refused(find: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    wide = encoded(Image.new("RGB", (11, 10)))
    monkeypatch.setattr(answers, "MAX_UPLOAD_PIXELS", 109)
    assert messages_in(find(upload=wide)) == [
        "The picture cannot be read: too large to decode safely. Choose another one."
    ]
    monkeypatch.setattr(answers, "MAX_UPLOAD_PIXELS", 110)
    assert messages_in(find(upload=wide)) == []


def test_an_empty_gallery_finds_nothing(gallery: Gallery, squares: Squares, find: Callable[..., str]) -> None:
    gallery.delete(squares)
    assert messages_in(find("red")) == ["Nothing found."]
    assert messages_in(find("red", lang="pt")) == ["Nada encontrado."]


def test_a_gallery_of_another_model_is_told_so(tmp_path: Path, squares: Squares) -> None:
    rows = encoders.load("toy").encode_texts(["red"])
    other = Embeddings(("red",), rows, Provenance("another", "1", "words"))
    made = Gallery.create(tmp_path / "other", "exact", other, [Entry("red")])
    (said,) = messages_in(answers.find(Shown(made, encoders.load("toy"), squares), "en", Asked("red")))
    assert "made by &#x27;another&#x27;" in said


def test_pictures_are_made_small_and_keep_their_shape(find: Callable[..., str]) -> None:
    assert [one.size for one in pictures_in(find("red"))] == [(384, 192)] * 3


def test_captions_cannot_write_html(find: Callable[..., str]) -> None:
    html = find("green", count=1)
    assert "<b>" not in html
    assert 'alt="a &lt;b&gt;green&lt;/b&gt; &quot;square&quot;"' in html


def test_pictures_come_from_a_function_or_from_the_path_behind_a_hit(tmp_path: Path) -> None:
    toy, file = encoders.load("toy"), tmp_path / "blue.png"
    Image.new("RGB", (3, 3), (0, 0, 255)).save(file)
    rows = Embeddings(("drawn", "filed", "lost"), toy.encode_texts(["red", "blue", "green"]), toy.provenance)
    entries = [Entry("drawn"), Entry("filed", path=str(file)), Entry("lost", path=str(tmp_path / "gone.png"))]
    gallery = Gallery.create(tmp_path / "mixed", "exact", rows, entries)

    def drawn(hit: Hit) -> Image.Image | None:
        return Image.new("RGB", (7, 2)) if hit.id == "drawn" else None

    html = answers.find(Shown(gallery, toy, drawn), "en", Asked("red", plus="blue^0.5", minus="green"))
    assert [one.size for one in pictures_in(html)] == [(7, 2), (3, 3)]
    assert html.count("This picture cannot be shown.") == 1
    assert 'alt="drawn"' in html, "without a caption the id stands for it"


def test_a_gallery_of_texts_shows_texts(tmp_path: Path) -> None:
    toy = encoders.load("toy")
    rows = Embeddings(("t1",), toy.encode_texts(["red"]), toy.provenance)
    gallery = Gallery.create(tmp_path / "texts", "exact", rows, [Entry("t1", ("a red square",))], holds="texts")
    html = answers.find(Shown(gallery, toy, {}), "en", Asked("red"))
    assert "a red square<small>score 1.00</small>" in html
    assert "cannot be shown" not in html
    assert "<img" not in html


def test_filters_leave_only_what_has_the_value(find: Callable[..., str]) -> None:
    assert cards(find("blue", where={"warm": "true"})) == [("red", "score 0.00")]
    assert [colour for colour, _ in cards(find("red", where={"warm": "false"}))] == ["green", "blue"]


def test_what_is_like_an_answer_is_found_without_itself(find: Callable[..., str]) -> None:
    html = find("blue", like="red", count=1)
    assert "More like: a red square" in html
    assert html.startswith('<img class="asked"')
    assert [colour for colour, _ in cards(html)] in (["green"], ["blue"]), "not red itself, and the text does not count"
    assert [colour for colour, _ in cards(find(like="blue", where={"warm": "true"}))] == ["red"]
    assert "has no id &#x27;gone&#x27;" in messages_in(find(like="gone"))[0]


def test_every_answer_can_be_searched_with(find: Callable[..., str]) -> None:
    html = find("green", count=1, lang="pt")
    assert 'data-id="green"' in html
    assert 'aria-label="Mais como: a &lt;b&gt;green&lt;/b&gt; &quot;square&quot;">Mais como esta</button>' in html


class Backwards:
    """A re-ranker that turns the order round."""

    name = "backwards"

    def score(self, candidates: Any) -> Any:
        return -candidates.scores


def test_ranks_are_told_before_and_after_a_second_look(shown: Shown) -> None:
    again = replace(shown, rerankers=(Backwards(),))
    html = answers.find(again, "en", Asked("red", again=True, count=3))
    ranks = re.findall(r'<small class="ranks">(.*?)</small>', html)
    assert ranks == ["place 1, before: 2", "place 2, before: 3", "place 3, before: 1"]
    assert cards(html)[-1] == ("red", "score 1.00")
    assert "before" not in answers.find(again, "en", Asked("red")), "only where it was asked for"


def test_a_sum_is_not_looked_at_again_and_says_so(shown: Shown) -> None:
    again = replace(shown, rerankers=(Backwards(),))
    html = answers.find(again, "pt", Asked("red", minus="blue", again=True))
    assert "Só um texto sozinho é revisto" in html
    assert cards(html)[0][0] == "red"
