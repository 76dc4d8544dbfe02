"""Compare: one query, and what two or more collections or models answer, side by side."""

from collections.abc import Sequence
from typing import Any

import gradio

from mirante.web.comparison import side_by_side
from mirante.web.shown import Shown
from mirante.web.wording import QUIET, Wording


def build(words: Wording, shown: Sequence[Shown], examples: Sequence[str]) -> None:
    """Lay the tab out."""
    names = [(one.name or str(at), at - 1) for at, one in enumerate(shown, 1)]
    with words(gradio.Tab, {"label": "tab_compare"}, id="compare"):
        with gradio.Row(equal_height=True):
            query = words(
                gradio.Textbox, {"label": "query", "placeholder": "query_hint"},
                value="".join(examples[:1]), max_lines=1, max_length=500, container=False,
            )  # fmt: skip
            start = words(gradio.Button, {"value": "compare"}, variant="primary", scale=0, min_width=120)
        chosen = words(
            gradio.CheckboxGroup, {"label": "compared"}, choices=names, value=[at for _, at in names[:2]],
        )  # fmt: skip
        count = words(gradio.Slider, {"label": "count"}, minimum=1, maximum=20, value=6, step=1)
        results = gradio.HTML(elem_id="compared", elem_classes="answers")

    def compare(lang: str, text: str, places: list[int], count: int) -> str:
        return side_by_side([shown[at] for at in sorted(places)], lang, text, int(count))

    def again(lang: str, text: str, places: list[int], count: int, before: str) -> str:
        return compare(lang, text, places, count) if before else ""

    fields: list[Any] = [query, chosen, count]
    gradio.on([start.click, query.submit], compare, [words.language, *fields], results, **QUIET)
    words.answered(again, [*fields, results], results)
