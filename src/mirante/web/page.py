"""The page's layout and its events; what it answers is in `answers`, how it looks in `page.css`."""

from collections.abc import Sequence
from html import escape
from typing import Any

from mirante import messages
from mirante.errors import MissingLibrary
from mirante.search import Gallery
from mirante.types import Encoder
from mirante.web.answers import Answers, Pictures

try:
    import gradio
except ModuleNotFoundError as error:
    raise MissingLibrary("gradio", "web", "The search page") from error

_KEPT_SECONDS = 3600
_WORDS = {
    "query": {"label": "query", "placeholder": "query_hint"},
    "search": {"value": "search"},
    "examples": {"label": "examples"},
    "more": {"label": "more"},
    "picture": {"label": "picture"},
    "plus": {"label": "plus", "info": "terms_hint"},
    "minus": {"label": "minus", "info": "terms_hint"},
    "count": {"label": "count"},
}
"""Part of the page → its properties that are words → their keys."""
_TAG = "(lang) => { document.documentElement.lang = lang === 'pt' ? 'pt-BR' : lang }"


def build(
    gallery: Gallery, encoder: Encoder, *, pictures: Pictures, title: str, examples: Sequence[str], lang: str | None
) -> gradio.Blocks:
    """Lay out the search page of one gallery; it opens with the answer to its first example.

    Args:
        gallery: what is searched.
        encoder: the model that made the gallery's rows.
        pictures: id → what loads the picture, or a function of a hit; pictures of hits that it does not know are read
            from the hit's path.
        title: heading of the page.
        examples: queries to click on.
        lang: language that the page opens in; None for the one of the environment.
    """
    answers, first = Answers(gallery, encoder, pictures), messages.language(lang)
    kept = (_KEPT_SECONDS, _KEPT_SECONDS)
    with gradio.Blocks(title=title, analytics_enabled=False, delete_cache=kept, fill_width=True) as blocks:
        with gradio.Row(elem_classes="head"):
            gradio.HTML(f"<h1>{escape(title)}</h1>")
            language = gradio.Radio(
                [(messages.text("web.name", one), one) for one in messages.LANGUAGES],
                value=first,
                label=" / ".join(messages.text("web.language", one) for one in messages.LANGUAGES),
                elem_id="language",
                container=False,
                show_label=False,
            )
        parts = _parts(first, list(examples))
        results = gradio.HTML(elem_id="results")
        _connect(blocks, answers, language=language, parts=parts, results=results)
    return blocks


def _parts(lang: str, examples: list[str]) -> dict[str, Any]:
    words = {name: _words(name, lang) for name in _WORDS}
    parts: dict[str, Any] = {}
    with gradio.Row(equal_height=True):
        parts["query"] = gradio.Textbox(
            "".join(examples[:1]), max_lines=1, max_length=500, autofocus=True, container=False, **words["query"]
        )
        parts["search"] = gradio.Button(variant="primary", scale=0, min_width=120, **words["search"])
    samples = [[one] for one in examples]
    parts["examples"] = gradio.Dataset(
        components=[gradio.Textbox(visible=False)], samples=samples, visible=bool(samples), **words["examples"]
    )
    with gradio.Accordion(open=False, **words["more"]) as parts["more"], gradio.Row():
        parts["picture"] = gradio.File(
            type="binary", file_types=["image"], height=140, elem_id="picture", **words["picture"]
        )
        with gradio.Column():
            for name in ("plus", "minus"):
                parts[name] = gradio.Textbox("", max_lines=1, max_length=500, **words[name])
            parts["count"] = gradio.Slider(1, 50, value=12, step=1, **words["count"])
    return parts


def _connect(blocks: gradio.Blocks, answers: Answers, *, language: Any, parts: dict[str, Any], results: Any) -> None:
    """Say what each event does: search, take over an example, or change the language."""
    query, picture, plus, minus = asked = [parts[name] for name in ("query", "picture", "plus", "minus")]
    fields = [language, *asked, parts["count"]]
    quiet = {"api_visibility": "private", "show_progress": "minimal"}

    def again(*values: Any) -> str:
        return answers.find(*values) if any(values[1:5]) else ""

    def speak(lang: str) -> list[Any]:
        return [gradio.update(**_words(name, lang)) for name in _WORDS]

    starts = [parts["search"].click, query.submit, plus.submit, minus.submit, picture.upload]
    gradio.on(starts, answers.find, fields, results, **quiet)
    blocks.load(again, fields, results, **quiet)
    chosen = parts["examples"].click(lambda sample: (sample[0], None, "", ""), parts["examples"], asked, **quiet)
    chosen.then(answers.find, fields, results, **quiet)
    language.change(speak, language, [parts[name] for name in _WORDS], **quiet).then(again, fields, results, **quiet)
    gradio.on([blocks.load, language.change], None, language, None, js=_TAG, api_visibility="private")


def _words(name: str, lang: str) -> dict[str, str]:
    return {prop: messages.text(f"web.{key}", lang) for prop, key in _WORDS[name].items()}
