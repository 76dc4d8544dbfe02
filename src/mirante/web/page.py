"""The page's frame: heading, languages, tabs; each tab is a file of `tabs`, how they look is in `page.css`."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from mirante import encoders, messages
from mirante.errors import MissingLibrary, UsageError
from mirante.generation import Generator, open_generator
from mirante.types import Encoder
from mirante.web.shown import Shown

try:
    import gradio
except ModuleNotFoundError as error:
    raise MissingLibrary("gradio", "web", "The search page") from error

from mirante.web.tabs import ask, classify, compare, evaluate, search
from mirante.web.tabs import runs as history
from mirante.web.wording import Wording

_KEPT_SECONDS = 3600
_TAG = "(lang) => { document.documentElement.lang = lang === 'pt' ? 'pt-BR' : lang }"
_OF_THE_BROWSER = """(lang) => {
  const tags = navigator.languages.map(one => one.slice(0, 2).toLowerCase());
  return tags.find(one => one === 'en' || one === 'pt') ?? lang
}"""


def build(
    shown: Sequence[Shown],
    *,
    title: str,
    examples: Sequence[str] = (),
    lang: str | None = None,
    runs: Path | None = None,
    load: Callable[[str], Encoder] = encoders.load,
    generator: Generator | None = None,
) -> gradio.Blocks:
    """Lay out the page of some collections; it opens with the answer to its first example.

    Args:
        shown: the collections, at least one; two or more can be compared.
        title: heading of the page.
        examples: queries to click on.
        lang: language that the page opens in; None for that of the browser, or else of the environment.
        runs: folder of past evaluations and trainings, where new ones go, too; without it the page measures nothing.
            Whoever sees the page may then have any data of this machine read: give it on the loopback only.
        load: opens the address of a model to be measured.
        generator: answers questions; None for the one that needs no model.

    Raises:
        UsageError: there is no collection.
    """
    if not shown:
        raise UsageError("A page needs at least one collection: give an index.")
    first, kept = messages.language(lang), (_KEPT_SECONDS, _KEPT_SECONDS)
    with gradio.Blocks(title=title, analytics_enabled=False, delete_cache=kept, fill_width=True) as blocks:
        with gradio.Row(elem_classes="head"):
            gradio.HTML(f"<h1>{escape(title)}</h1>")
            words = Wording(first, _switch(first))
        with gradio.Tabs():
            search.build(words, shown, examples)
            if len(shown) > 1:
                compare.build(words, shown, examples)
            ask.build(words, shown, generator or open_generator("extractive"))
            classify.build(words, shown)
            if runs is not None:
                models = [one.encoder.provenance.model for one in shown]
                history.build(words, runs, evaluate.build(words, runs, models, load))
        _speak(blocks, words, lang)
    return blocks


def _switch(lang: str) -> Any:
    return gradio.Radio(
        [(messages.text("web.name", one), one) for one in messages.LANGUAGES],
        value=lang,
        label=" / ".join(messages.text("web.language", one) for one in messages.LANGUAGES),
        elem_id="language",
        container=False,
        show_label=False,
    )


def _speak(blocks: gradio.Blocks, words: Wording, lang: str | None) -> None:
    """Follow the switch, and the browser's language where none was asked for."""
    words.follow(blocks, _OF_THE_BROWSER if lang is None else "(lang) => lang")
    gradio.on([blocks.load, words.language.change], None, words.language, None, js=_TAG, api_visibility="private")
