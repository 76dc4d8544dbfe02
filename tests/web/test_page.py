"""How the page is laid out, without a browser or a server."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mirante import messages
from mirante.errors import MissingLibrary, UsageError
from mirante.web import Shown, mount

Blocks = Any


@pytest.fixture
def build(shown: Shown) -> Callable[..., Blocks]:
    page = pytest.importorskip("mirante.web.page")

    def build(lang: str | None = "en", examples: tuple[str, ...] = ("red", "azul"), count: int = 1) -> Blocks:
        async def laid_out() -> Blocks:  # outside of a running loop Gradio makes loops that it never closes
            return page.build([shown] * count, title="A <b>title</b>", examples=examples, lang=lang)

        return asyncio.run(laid_out())

    return build


def props(blocks: Blocks, kind: str) -> list[dict[str, Any]]:
    """Properties of every component of a kind that a visitor sees."""
    found = [one["props"] for one in blocks.get_config_file()["components"] if one["type"] == kind]
    return [one for one in found if one.get("visible", True)]


def handler(blocks: Blocks, name: str) -> Callable[..., Any]:
    """The first handler of that name; the search tab comes first."""
    return next(one.fn for one in blocks.fns.values() if getattr(one.fn, "__name__", "") == name)


@pytest.mark.parametrize(
    ("lang", "labels"),
    [
        ("en", ["What are you looking for?", "Add", "Take away"]),
        ("pt", ["O que você procura?", "Acrescentar", "Retirar"]),
    ],
)
def test_the_page_opens_in_the_language_asked_for(build: Callable[..., Blocks], lang: str, labels: list[str]) -> None:
    blocks = build(lang)
    boxes = props(blocks, "textbox")[:3]
    assert [one["label"] for one in boxes] == labels
    assert [one["value"] for one in boxes] == ["red", "", ""], "the page opens with its first example"
    language = props(blocks, "radio")[0]
    assert (language["value"], language["label"]) == (lang, "Language / Idioma")
    assert [tuple(one) for one in language["choices"]] == [("English", "en"), ("Português", "pt")]


def test_without_a_language_the_environment_decides(
    build: Callable[..., Blocks], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    assert props(build(None), "radio")[0]["value"] == "pt"


def test_the_language_switch_says_every_text_anew(build: Callable[..., Blocks]) -> None:
    blocks = build("en", count=2)
    said = [value for update in handler(blocks, "speak")("pt") for value in update.values() if value != "update"]
    keys = ("query", "query_hint", "search", "examples", "more", "picture", "plus", "minus", "terms_hint", "count")
    keys += ("tab_search", "tab_compare", "tab_classify", "compared", "name_labels", "collection", "filters", "again")
    assert {messages.text(f"web.{key}", "pt") for key in keys} <= {one for one in said if isinstance(one, str)}
    english = {messages.text(f"web.{key}", "en") for key in keys}
    assert not english & {one for one in said if isinstance(one, str)}


def test_a_page_without_a_query_asks_for_nothing_when_the_language_changes(build: Callable[..., Blocks]) -> None:
    again = handler(build(), "again")
    assert again("pt", 0, "", None, "", "", 3, "", False) == ""
    assert "pontuação 1,00" in again("pt", 0, "vermelho", None, "", "", 3, "", False)
    assert "Mais como: a blue square" in again("pt", 0, "", None, "", "", 3, "blue", False)


def test_filters_are_made_from_the_fields_of_the_collection(build: Callable[..., Blocks]) -> None:
    blocks = build()
    (shown,) = [one for one in props(blocks, "dropdown") if one["label"] == "warm"]
    assert [tuple(one) for one in shown["choices"]] == [("—", ""), ("false", "false"), ("true", "true")]
    html = handler(blocks, "find")("en", 0, "red", None, "", "", 3, "", False, "false")
    assert "a red square" not in html
    assert "a blue square" in html


@pytest.mark.parametrize(
    ("count", "tabs"), [(1, ["Search", "Ask", "Classify"]), (2, ["Search", "Compare", "Ask", "Classify"])]
)
def test_collections_are_compared_where_there_are_two(
    build: Callable[..., Blocks], count: int, tabs: list[str]
) -> None:
    assert [one["label"] for one in props(build(count=count), "tabitem")] == tabs


def test_a_page_of_nothing_is_refused() -> None:
    page = pytest.importorskip("mirante.web.page")
    with pytest.raises(UsageError, match="at least one collection"):
        page.build([], title="Empty")


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


def test_what_an_application_answers_itself_goes_before_the_page(shown: Shown) -> None:
    page, fastapi = pytest.importorskip("mirante.web.page"), pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")

    async def answers() -> list[str]:
        app = fastapi.FastAPI()
        app.get("/healthz")(lambda: "well")
        mount(app, page.build([shown], title="All <of> it", lang="en"))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return [(await client.get(path)).text for path in ("/healthz", "/")]

    own, shown_page = asyncio.run(answers())
    assert own == '"well"'
    assert "gradio" in shown_page.lower()
    assert "All <of> it" not in shown_page, "the title cannot write HTML"


def test_data_is_measured_only_where_a_folder_of_runs_is_given(shown: Shown, tmp_path: Path) -> None:
    page = pytest.importorskip("mirante.web.page")

    async def laid_out() -> Blocks:
        return page.build([shown], title="Runs", lang="pt", runs=tmp_path)

    blocks = asyncio.run(laid_out())
    tabs = [one["label"] for one in props(blocks, "tabitem")]
    assert tabs == ["Buscar", "Perguntar", "Classificar", "Avaliar", "Execuções"]
    (bar,) = [one for one in blocks.blocks.values() if one.get_block_name() == "tabs"]
    assert [one.get_block_name() for one in bar.children] == ["tabitem"] * 5, "anything else shifts the tabs after it"
