"""Classify: a picture, and the labels that it may have."""

from collections.abc import Sequence
from typing import Any

import gradio

from mirante import messages
from mirante.web.cards import say
from mirante.web.naming import TEMPLATES, name
from mirante.web.shown import Shown
from mirante.web.tabs.search import chooser
from mirante.web.wording import QUIET, Wording


def build(words: Wording, shown: Sequence[Shown]) -> None:
    """Lay the tab out."""
    with words(gradio.Tab, {"label": "tab_classify"}, id="classify"):
        collection = chooser(words, shown)
        with gradio.Row():
            picture = words(
                gradio.File, {"label": "name_picture"}, type="binary", file_types=["image"], height=180,
                elem_id="named-picture", elem_classes="upload",
            )  # fmt: skip
            with gradio.Column():
                labels = words(
                    gradio.Textbox, {"label": "name_labels", "placeholder": "name_labels_hint", "info": "name_info"},
                    value="", lines=3, max_length=5000,
                )  # fmt: skip
                templates = words(gradio.Radio, {"label": "name_templates", "choices": _templates}, value="simple")
                spoken = words(
                    gradio.Radio, {"label": "name_language", "value": lambda lang: lang},
                    choices=[(messages.text("web.name", one), one) for one in messages.LANGUAGES],
                )  # fmt: skip
        start = words(gradio.Button, {"value": "classify"}, variant="primary")
        results = gradio.HTML(elem_id="classified", elem_classes="answers")

    def classify(lang: str, place: int, upload: bytes | None, labels: str, templates: str, spoken: str) -> str:
        return name(shown[place], lang, upload, labels, templates=templates, spoken=spoken)

    def again(lang: str, *values: Any) -> str:
        return classify(lang, *values[:-1]) if values[-1] else ""

    fields = [collection, picture, labels, templates, spoken]
    start.click(classify, [words.language, *fields], results, **QUIET)
    words.answered(again, [*fields, results], results)


def _templates(lang: str) -> list[tuple[str, str]]:
    return [(say(lang, f"templates_{one}"), one) for one in TEMPLATES]
