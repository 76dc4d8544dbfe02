"""Tables and progress as HTML that phones can scroll and screen readers can read."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from mirante import messages
from mirante.progress import Step
from mirante.report.tables import Table
from mirante.report.voice import Voice
from mirante.web.cards import say

_LABELS = ("embed", "inspect", "ranking", "thumbnails", "fingerprints")


def plain(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first cell of a row names it. Cells that are `Markup` stay as they are."""
    names = Markup().join(Markup('<th scope="col">{}</th>').format(one) for one in head)
    body = Markup().join(Markup("<tr>{}</tr>").format(_cells(row)) for row in rows)
    return _framed(caption, Markup("<tr>{}</tr>").format(names), body)


def metrics(found: Table, caption: str, voice: Voice) -> str:
    """Models × metrics of one protocol, each with its interval; the best in bold where it is one."""
    groups = Markup().join(
        Markup('<th scope="colgroup" colspan="{}">{}</th>').format(len(one.cutoffs), one.name) for one in found.groups
    )
    cutoffs = Markup().join(
        Markup('<th scope="col">{}</th>').format(cut) for one in found.groups for cut in one.cutoffs
    )
    model = Markup('<th scope="col" rowspan="2">{}</th>').format(messages.text("report.model", voice.lang))
    head = Markup("<tr>{}{}</tr><tr>{}</tr>").format(model, groups, cutoffs)
    rows = (
        (name, *(_value(cell.value, cell.interval, best=cell.mark == "best") for cell in cells))
        for name, cells in found.rows
    )
    return _framed(caption, head, Markup().join(Markup("<tr>{}</tr>").format(_cells(row)) for row in rows))


def progress(step: Step | None, lang: str) -> str:
    """How far work is, and what is left of it."""
    voice = Voice(lang)
    if step is None:
        return f'<p class="status" role="status">{escape(say(lang, "progress_start"))}</p>'
    label = next((one for one in _LABELS if step.label.lower().startswith(one)), "other")
    done = voice.number(step.done) + (f" / {voice.number(step.total)}" if step.total is not None else "")
    words = say(lang, "progress", what=say(lang, f"progress_{label}"), done=done)
    if step.left:
        words += say(lang, "progress_left", seconds=voice.number(step.left))
    value = f' value="{step.done}" max="{step.total}"' if step.total else ""
    return (
        f'<div class="progress"><p role="status">{escape(words)}</p>'
        f'<progress aria-label="{escape(words)}"{value}></progress></div>'
    )


def _value(value: str, interval: str, *, best: bool) -> str:
    shown = Markup("<strong>{}</strong>").format(value) if best else escape(value)
    return shown + (Markup("<small>{}</small>").format(interval) if interval else Markup())


def _cells(row: Sequence[str]) -> Markup:
    first, *rest = row
    return Markup('<th scope="row">{}</th>').format(first) + Markup().join(
        Markup("<td>{}</td>").format(one) for one in rest
    )


def _framed(caption: str, head: Markup, body: Markup) -> str:
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table class="figures"><caption>{}</caption>'
        "<thead>{}</thead><tbody>{}</tbody></table></div>"
    ).format(caption, caption, head, body)
