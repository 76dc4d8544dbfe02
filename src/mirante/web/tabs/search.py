"""Search: words, a picture, a sum of both, filters; answers that can be searched with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio

from mirante.web.answers import Asked, find
from mirante.web.shown import Shown
from mirante.web.wording import QUIET, Wording

MAX_FILTERS = 8
MAX_VALUES = 100
"""Values of a field that are listed; a field with more of them is filtered by what is written."""
ANY = "—"
"""Any value, in any language."""
ALIKE = """element.addEventListener('click', event => {
  const button = event.target.closest('button.alike');
  if (button) trigger('click', {id: button.dataset.id});
});"""
"""Tells which answer is to be searched with."""


def build(words: Wording, shown: Sequence[Shown], examples: Sequence[str]) -> None:
    """Lay the tab out; it opens with the answer to the first example."""
    with words(gradio.Tab, {"label": "tab_search"}, id="search"):
        parts = _Parts.laid_out(words, shown, list(examples))
    fields, handlers = parts.fields, _Handlers(shown, [tuple(_offered(one)) for one in shown])
    starts = [parts.search.click, *(one.submit for one in parts.typed), parts.picture.upload]
    starts += [one.change for one in (parts.again, *parts.filters)]
    language, like, results = words.language, parts.like, parts.results
    gradio.on(starts, lambda: "", None, like, **QUIET).then(handlers.find, [language, *fields], results, **QUIET)
    words.opened(handlers.again, fields, results)
    words.answered(handlers.again, fields, results)
    asked = [parts.typed[0], parts.picture, *parts.typed[1:], like]
    chosen = parts.examples.click(lambda sample: (sample[0], None, "", "", ""), parts.examples, asked, **QUIET)
    chosen.then(handlers.find, [language, *fields], results, **QUIET)
    liked = results.click(_liked, None, like, **QUIET)
    liked.then(handlers.find, [language, *fields], results, **QUIET)
    moved = parts.collection.change(handlers.offer, parts.collection, [parts.again, *parts.filters], **QUIET)
    moved.then(lambda: "", None, like, **QUIET).then(handlers.again, [language, *fields], results, **QUIET)


@dataclass(frozen=True)
class _Parts:
    """What the tab is made of."""

    collection: Any
    typed: list[Any]
    search: Any
    examples: Any
    picture: Any
    count: Any
    again: Any
    filters: list[Any]
    like: Any
    results: Any

    @property
    def fields(self) -> list[Any]:
        """What a search reads, in the order of `_Handlers.find`."""
        query, plus, minus = self.typed
        return [self.collection, query, self.picture, plus, minus, self.count, self.like, self.again, *self.filters]

    @classmethod
    def laid_out(cls, words: Wording, shown: Sequence[Shown], examples: list[str]) -> "_Parts":
        """Place everything, top to bottom."""
        collection = chooser(words, shown)
        boxes = {"max_lines": 1, "max_length": 500}
        with gradio.Row(equal_height=True):
            query = words(
                gradio.Textbox, {"label": "query", "placeholder": "query_hint"},
                value="".join(examples[:1]), autofocus=True, container=False, **boxes,
            )  # fmt: skip
            search = words(gradio.Button, {"value": "search"}, variant="primary", scale=0, min_width=120)
        samples = words(
            gradio.Dataset, {"label": "examples"}, components=[gradio.Textbox(visible=False)],
            samples=[[one] for one in examples], visible=bool(examples),
        )  # fmt: skip
        filters = _filters(words, shown[0])
        with words(gradio.Accordion, {"label": "more"}, open=False), gradio.Row():
            picture = words(
                gradio.File, {"label": "picture"}, type="binary", file_types=["image"], height=140,
                elem_id="picture", elem_classes="upload",
            )  # fmt: skip
            with gradio.Column():
                plus, minus = (
                    words(gradio.Textbox, {"label": name, "info": "terms_hint"}, value="", **boxes)
                    for name in ("plus", "minus")
                )
                count = words(gradio.Slider, {"label": "count"}, minimum=1, maximum=50, value=12, step=1)
        again = words(
            gradio.Checkbox, {"label": "again"}, value=bool(shown[0].rerankers), visible=bool(shown[0].rerankers)
        )
        results = gradio.HTML(elem_id="results", elem_classes="answers", js_on_load=ALIKE)
        return cls(
            collection, [query, plus, minus], search, samples, picture, count, again, filters, gradio.State(""), results
        )


@dataclass(frozen=True)
class _Handlers:
    """Answers, over collections and the names of their filters."""

    shown: Sequence[Shown]
    names: Sequence[Sequence[str]]

    def find(self, lang: str, place: int, *values: Any) -> str:
        """The answer to what stands in the fields."""
        text, upload, plus, minus, count, like, again, *wanted = values
        here = self.shown[place]
        where = {name: one for name, one in zip(self.names[place], wanted, strict=False) if one}
        return find(here, lang, Asked(text, upload, plus, minus, count, where, like, again))

    def again(self, lang: str, place: int, *values: Any) -> str:
        """The same, and nothing where nothing is asked."""
        return self.find(lang, place, *values) if any(values[:4]) or values[5] else ""

    def offer(self, place: int) -> list[Any]:
        """What another collection can be asked: whether it is looked at again, and its filters."""
        here = self.shown[place]
        offered = list(_offered(here).items())
        offered += [("", ())] * (MAX_FILTERS - len(offered))
        again = gradio.update(visible=bool(here.rerankers), value=bool(here.rerankers))
        return [again, *(gradio.update(label=name, choices=_choices(found), value="", visible=bool(name))
                         for name, found in offered)]  # fmt: skip


def chooser(words: Wording, shown: Sequence[Shown]) -> Any:
    """Which collection is meant; hidden where there is only one."""
    choices = [(one.name or str(at), at) for at, one in enumerate(shown, 1)]
    return words(
        gradio.Dropdown, {"label": "collection"},
        choices=[(name, at - 1) for name, at in choices], value=0, visible=len(shown) > 1,
    )  # fmt: skip


def _filters(words: Wording, first: Shown) -> list[Any]:
    offered = list(_offered(first).items())
    with words(gradio.Accordion, {"label": "filters"}, open=False, visible=bool(offered)), gradio.Row():
        offered += [("", ())] * (MAX_FILTERS - len(offered))
        return [
            gradio.Dropdown(
                _choices(found), label=name, value="", visible=bool(name), allow_custom_value=True, min_width=140
            )
            for name, found in offered
        ]


def _offered(shown: Shown) -> Mapping[str, Sequence[str]]:
    """Field → its values; none where there are too many to list."""
    gallery = shown.gallery
    return {name: gallery.values(name, MAX_VALUES) for name in gallery.fields[:MAX_FILTERS]}


def _choices(values: Sequence[str]) -> list[tuple[str, str]]:
    return [(ANY, ""), *((one, one) for one in values)]


def _liked(event: gradio.EventData) -> str:
    return str(event.id)
