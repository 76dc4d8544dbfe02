"""Ask: a question, an answer that grows, and the entries that it cites."""

from collections.abc import Iterator, Sequence

import gradio

from mirante.generation import Generator
from mirante.web.replies import replies
from mirante.web.shown import Shown
from mirante.web.tabs.search import chooser
from mirante.web.wording import QUIET, Wording


def build(words: Wording, shown: Sequence[Shown], generator: Generator) -> None:
    """Lay the tab out."""
    with words(gradio.Tab, {"label": "tab_ask"}, id="ask"):
        collection = chooser(words, shown)
        with gradio.Row(equal_height=True):
            question = words(
                gradio.Textbox, {"label": "ask_question", "placeholder": "ask_hint"},
                value="", max_lines=1, max_length=2000, container=False,
            )  # fmt: skip
            start = words(gradio.Button, {"value": "ask"}, variant="primary", scale=0, min_width=120)
        results = gradio.HTML(elem_id="answered", elem_classes="answers")

    def ask(lang: str, place: int, text: str) -> Iterator[str]:
        yield from replies(shown[place], generator, lang, text)

    fields = [words.language, collection, question]
    gradio.on([start.click, question.submit], ask, fields, results, trigger_mode="once", **QUIET)
