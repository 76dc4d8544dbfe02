"""Evaluate and advise: data and models are named, measured with progress and a way to stop, and taken away."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import gradio

from mirante.datasets import describe, split_of
from mirante.errors import MiranteError
from mirante.types import Encoder
from mirante.web import cards, measuring, tables
from mirante.web.history import opened
from mirante.web.measuring import Order
from mirante.web.wording import QUIET, Wording
from mirante.web.work import Work


def build(words: Wording, runs: Path, models: Sequence[str], load: Callable[[str], Encoder]) -> Any:
    """Lay the tab out; returns what fires when an evaluation is over."""
    with words(gradio.Tab, {"label": "tab_evaluate"}, id="evaluate"):
        form = _form(words, measuring.models_at_hand(runs, tuple(models)))
        with gradio.Row():
            look = words(gradio.Button, {"value": "look"})
            start = words(gradio.Button, {"value": "evaluate"}, variant="primary")
            stop = words(gradio.Button, {"value": "stop"}, variant="stop", interactive=False)
        results = gradio.HTML(elem_id="evaluated", elem_classes="answers")
        files = words(gradio.File, {"label": "files"}, file_count="multiple", interactive=False, visible=False)
        kept = gradio.State("")
    handlers, fields = _Handlers(runs, load), [words.language, *form]
    address, splits, image_column, text_column, language, *_ = form
    guessed = [splits, image_column, text_column, language]
    look.click(handlers.look, fields, [results, stop, *guessed], concurrency_limit=4, **QUIET)
    over = start.click(handlers.measure, fields, [results, stop, kept, files], **QUIET)
    stop.click(handlers.stop, None, None, **QUIET)
    address.change(lambda: gradio.update(choices=[], value=[]), None, splits, **QUIET)
    words.answered(handlers.again, [kept, results], results)
    return over


def _form(words: Wording, models: list[str]) -> list[Any]:
    """In the order of an `Order`."""
    with gradio.Row():
        address = words(
            gradio.Textbox, {"label": "address", "info": "address_info"}, placeholder="scenes:test-100", max_lines=1,
            scale=2,
        )  # fmt: skip
        chosen = words(
            gradio.Dropdown, {"label": "models", "info": "models_info"}, choices=models, value=models[:1],
            multiselect=True, allow_custom_value=True, scale=2,
        )  # fmt: skip
        limit = words(gradio.Number, {"label": "limit", "info": "limit_info"}, value=0, minimum=0, precision=0)
    with words(gradio.Accordion, {"label": "reading"}, open=False):
        splits = words(gradio.CheckboxGroup, {"label": "splits", "info": "splits_info"}, choices=[], value=[])
        with gradio.Row():
            image_column = words(gradio.Textbox, {"label": "image_column"}, value="", max_lines=1)
            text_column = words(gradio.Textbox, {"label": "text_column"}, value="", max_lines=1)
            language = words(
                gradio.Dropdown, {"label": "caption_language"}, choices=[("—", "")], value="", allow_custom_value=True
            )
    return [address, splits, image_column, text_column, language, chosen, limit]


@dataclass(frozen=True)
class _Handlers:
    """What the buttons do; each visitor has at most one piece of work at a time."""

    runs: Path
    load: Callable[[str], Encoder]
    works: dict[str | None, Work[Any]] = field(default_factory=dict)

    def look(self, lang: str, request: gradio.Request, *fields: Any) -> Iterator[tuple[Any, ...]]:
        """Progress, then what the data holds, and what was guessed for the form."""
        order, same = _order(fields), (gradio.skip(),) * 4
        work = Work(lambda: measuring.look(order))
        try:
            for shown in self._followed(work, lang, request):
                yield (shown, gradio.update(interactive=True), *same)
            found = work.result()
        except MiranteError as error:
            yield (cards.notice(lang, "not_measured", message=error), gradio.update(interactive=False), *same)
            return
        if found is None:
            yield (cards.notice(lang, "stopped"), gradio.update(interactive=False), *same)
            return
        lines = "".join(f"<li>{escape(line.strip())}</li>" for line in describe(found, lang).splitlines())
        splits = list(found.splits)
        chosen = [one for one in split_of(order.full)[1] if one in splits]
        yield (
            f'<ul class="findings" role="status">{lines}</ul>', gradio.update(interactive=False),
            gradio.update(choices=splits, value=chosen),
            *(gradio.update(placeholder=found.columns.get(role, "")) for role in ("image", "text")),
            gradio.update(choices=[("—", ""), *((one, one) for one in found.languages if one)]),
        )  # fmt: skip

    def measure(self, lang: str, request: gradio.Request, *fields: Any) -> Iterator[tuple[Any, ...]]:
        """Progress, then the results, their folder, and the files to take away."""
        order, nothing = _order(fields), ("", gradio.update(visible=False))
        work = Work(lambda: measuring.measure(order, self.runs, lang, self.load))
        try:
            for shown in self._followed(work, lang, request):
                yield (shown, gradio.update(interactive=True), *nothing)
            folder = work.result()
        except MiranteError as error:
            yield (cards.notice(lang, "not_measured", message=error), gradio.update(interactive=False), *nothing)
            return
        if folder is None:
            yield (cards.notice(lang, "stopped"), gradio.update(interactive=False), *nothing)
            return
        name = folder.relative_to(self.runs).as_posix()
        files = gradio.update(value=measuring.downloads(folder), visible=True)
        yield (opened(self.runs, [name], lang), gradio.update(interactive=False), name, files)

    def stop(self, request: gradio.Request) -> None:
        """Stop what this visitor started."""
        if work := self.works.get(request.session_hash):
            work.stop()

    def again(self, lang: str, name: str, before: str) -> str:
        """The last results in another language."""
        return opened(self.runs, [name], lang) if name else before

    def _followed(self, work: Work[Any], lang: str, request: gradio.Request) -> Iterator[str]:
        """Progress until the work is over; it is stopped where nobody looks any more."""
        self.works[request.session_hash] = work.start()
        try:
            yield tables.progress(None, lang)
            for step in work.news():
                yield tables.progress(step, lang)
        finally:
            work.stop()
            self.works.pop(request.session_hash, None)


def _order(fields: Sequence[Any]) -> Order:
    address, splits, image_column, text_column, language, models, limit = fields
    return Order(
        address, tuple(splits or ()), image_column, text_column, language or "", tuple(models or ()),
        int(limit) if limit else None,
    )  # fmt: skip
