"""How the page is laid out, without a browser or a server."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from mirante import encoders, messages
from mirante.errors import MissingLibrary
from mirante.search import Gallery

Blocks = Any


@pytest.fixture
def build(gallery: Gallery, squares: dict[str, Callable[[], Image.Image]]) -> Callable[..., Blocks]:
    page = pytest.importorskip("mirante.web.page")

    def build(lang: str | None = "en", examples: tuple[str, ...] = ("red", "azul")) -> Blocks:
        toy = encoders.load("toy")

        async def laid_out() -> Blocks:  # outside of a running loop Gradio makes loops that it never closes
            return page.build(gallery, toy, pictures=squares, title="A <b>title</b>", examples=examples, lang=lang)

        return asyncio.run(laid_out())

    return build


def props(blocks: Blocks, kind: str) -> list[dict[str, Any]]:
    """Properties of every component of a kind that a visitor sees."""
    found = [one["props"] for one in blocks.get_config_file()["components"] if one["type"] == kind]
    return [one for one in found if one.get("visible", True)]


def handler(blocks: Blocks, name: str) -> Callable[..., Any]:
    (found,) = {one.fn for one in blocks.fns.values() if getattr(one.fn, "__name__", "") == name}
    return found


@pytest.mark.parametrize(
    ("lang", "labels"),
    [
        ("en", ["What are you looking for?", "Add", "Take away"]),
        ("pt", ["O que você procura?", "Acrescentar", "Retirar"]),
    ],
)
def test_the_page_opens_in_the_language_asked_for(build: Callable[..., Blocks], lang: str, labels: list[str]) -> None:
    blocks = build(lang)
    boxes = props(blocks, "textbox")
    assert [one["label"] for one in boxes] == labels
    assert [one["value"] for one in boxes] == ["red", "", ""], "the page opens with its first example"
    (language,) = props(blocks, "radio")
    assert (language["value"], language["label"]) == (lang, "Language / Idioma")
    assert [tuple(one) for one in language["choices"]] == [("English", "en"), ("Português", "pt")]


def test_without_a_language_the_environment_decides(
    build: Callable[..., Blocks], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    assert props(build(None), "radio")[0]["value"] == "pt"


def test_the_language_switch_says_every_text_anew(build: Callable[..., Blocks]) -> None:
    said = [value for update in handler(build("en"), "speak")("pt") for value in update.values()]
    spoken = {messages.text(f"web.{key}", "pt") for key in ("query", "query_hint", "search", "examples", "more")}
    spoken |= {messages.text(f"web.{key}", "pt") for key in ("picture", "plus", "minus", "terms_hint", "count")}
    assert set(said) == spoken | {"update"}


def test_a_page_without_a_query_asks_for_nothing_when_the_language_changes(build: Callable[..., Blocks]) -> None:
    again = handler(build(), "again")
    assert again("pt", "", None, "", "", 3) == ""
    assert "pontuação 1,00" in again("pt", "vermelho", None, "", "", 3)


def test_examples_are_shown_where_there_are_any(build: Callable[..., Blocks]) -> None:
    assert [one["samples"] for one in props(build(), "dataset")] == [[["red"], ["azul"]]]
    assert props(build(examples=()), "dataset") == []
    assert props(build(examples=()), "textbox")[0]["value"] == ""


def test_the_title_cannot_write_html(build: Callable[..., Blocks]) -> None:
    blocks = build()
    assert blocks.title == "A <b>title</b>"
    assert "<h1>A &lt;b&gt;title&lt;/b&gt;</h1>" in [one.get("value") for one in props(blocks, "html")]


def test_nothing_is_public_or_reported(build: Callable[..., Blocks]) -> None:
    blocks = build()
    assert {one.api_visibility for one in blocks.fns.values()} == {"private"}
    assert blocks.analytics_enabled is False


def test_without_gradio_the_install_command_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "mirante.web.page", raising=False)
    with pytest.raises(MissingLibrary, match=r"pip install 'mirante\[web\]'"):
        import mirante.web.page  # noqa: F401
