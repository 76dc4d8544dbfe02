"""Runs: past evaluations and trainings, listed, opened again and compared."""

from pathlib import Path
from typing import Any

import gradio

from mirante.web.history import listed, opened, past
from mirante.web.wording import QUIET, Wording


def build(words: Wording, runs: Path, over: Any) -> None:
    """Lay the tab out.

    Args:
        words: makes its components.
        runs: the folder.
        over: fires when an evaluation is over, so that it is listed.
    """
    with words(gradio.Tab, {"label": "tab_runs"}, id="runs"):
        overview = gradio.HTML(elem_id="past", elem_classes="answers")
        chosen = words(
            gradio.Dropdown, {"label": "runs_chosen", "info": "runs_info"}, choices=_names(runs), value=[],
            multiselect=True,
        )  # fmt: skip
        results = gradio.HTML(elem_id="reopened", elem_classes="answers")

    def show(lang: str) -> tuple[str, Any]:
        return listed(runs, lang), gradio.update(choices=_names(runs))

    def reopen(lang: str, names: list[str]) -> str:
        return opened(runs, names or [], lang)

    language = words.language
    words.opened(show, [], [overview, chosen])
    over.then(show, language, [overview, chosen], **QUIET)
    chosen.change(reopen, [language, chosen], results, **QUIET)
    words.answered(lambda lang: listed(runs, lang), [], overview)
    words.answered(reopen, [chosen], results)


def _names(runs: Path) -> list[str]:
    return [one.name for one in past(runs)]
