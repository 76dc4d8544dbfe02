"""A picture and labels: the toy encoder sees one colour, and the label of that colour is most probable."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from mirante.web import Shown
from mirante.web.naming import name

ROW = re.compile(r'<th scope="row">(.*?)</th><td>.*?</span>(.*?)%</td>')


@pytest.fixture
def rows(shown: Shown) -> Callable[..., str]:
    file = BytesIO()
    Image.new("RGB", (8, 4), "blue").save(file, "PNG")

    def rows(labels: str, lang: str = "en", upload: bytes | None = file.getvalue(), spoken: str = "en") -> str:
        return name(shown, lang, upload, labels, templates="name", spoken=spoken)

    return rows


def test_the_right_label_comes_first_and_the_shares_add_up(rows: Callable[..., str]) -> None:
    found = ROW.findall(rows("red, blue\ngreen"))
    assert found[0][0] == "blue"
    assert sum(float(share) for _, share in found) == pytest.approx(100, abs=0.2)
    assert sorted(words for words, _ in found) == ["blue", "green", "red"]


def test_other_words_are_asked_with_and_numbers_are_written_in_portuguese(rows: Callable[..., str]) -> None:
    html = rows("a=vermelho,b=azul", lang="pt", spoken="pt")
    assert [words for words, _ in ROW.findall(html)] == ["azul", "vermelho"]
    assert "," in ROW.findall(html)[0][1]
    assert "A imagem classificada, mais provavelmente: azul" in html


def test_a_label_is_never_read_from_a_file_of_the_machine(rows: Callable[..., str], tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("red\nblue\n", encoding="utf-8")
    html = rows(str(secret))
    assert "at least 2 are needed" in html
    assert ROW.findall(html) == []


def test_labels_cannot_write_html(rows: Callable[..., str]) -> None:
    html = rows("<i>red</i>,blue")
    assert "<i>" not in html
    assert "&lt;i&gt;red&lt;/i&gt;" in html


def test_what_is_missing_is_told(rows: Callable[..., str]) -> None:
    assert "Give a picture to classify." in rows("red,blue", upload=None)
    assert "não é uma imagem" in rows("red,blue", lang="pt", upload=b"ID3 a song")
