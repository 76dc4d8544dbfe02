"""Questions of one right answer among near misses: choices of captions and pairs of pictures, as a table."""

from collections.abc import Sequence

from mirante.evaluation import Contrasted
from mirante.report.panel import Grid, Panel, share
from mirante.report.voice import Voice


def contrast_panels(found: Sequence[Contrasted], voice: Voice) -> tuple[Panel, ...]:
    """One panel for each data set and language that asks."""
    return tuple(_panel(f"q{at}", group, voice) for at, group in enumerate(grouped(found), 1))


def grouped(found: Sequence[Contrasted]) -> list[list[Contrasted]]:
    """What was asked on one data set in one language, together."""
    groups: dict[tuple[str, str], list[Contrasted]] = {}
    for one in found:
        groups.setdefault((one.data, one.language), []).append(one)
    return list(groups.values())


def rows_of(found: Sequence[Contrasted], voice: Voice) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Head and rows of one data set and language: model, kind, a column for each score, the questions."""
    scores = list(dict.fromkeys(name for one in found for name in one.metrics))
    columns = [f"{voice.say(f'contrasts.{name}')} ({_chance(found, name, voice)})" for name in scores]
    keys = ("column_kind", "column_questions")
    kind, questions = (voice.say(f"contrasts.{key}") for key in keys)
    rows = tuple(
        (
            one.model,
            one.kind or voice.say("contrasts.all"),
            *(share(one.metrics[name], voice) if name in one.metrics else "" for name in scores),
            voice.number(one.questions),
        )
        for one in found
    )
    return (voice.say("model"), kind, *columns, questions), rows


def _panel(anchor: str, found: Sequence[Contrasted], voice: Voice) -> Panel:
    head, rows = rows_of(found, voice)
    first, whole = found[0], [one for one in found if not one.kind]
    heading = voice.say("contrasts.heading", data=first.data, language=voice.language(first.language))
    form = "pairs" if "group" in first.metrics else "choices"
    headline = "group" if form == "pairs" else "choice"
    sentences = [
        voice.say(
            f"contrasts.said_{form}",
            model=one.model,
            value=share(one.metrics[headline], voice),
            chance=voice.percent(one.chance[headline]),
            questions=voice.number(one.questions),
        )
        for one in whole
    ]
    lost = max(one.dropped for one in found)
    if lost:
        sentences.append(voice.say("contrasts.dropped", count=voice.number(lost)))
    note = voice.say(f"contrasts.note_{form}")
    return Panel(anchor, heading, tuple(sentences), (Grid(heading, head, rows),), (), note)


def _chance(found: Sequence[Contrasted], name: str, voice: Voice) -> str:
    chances = {round(one.chance[name], 4) for one in found if name in one.chance}
    value = voice.percent(chances.pop()) if len(chances) == 1 else "…"
    return voice.say("contrasts.chance", value=value)
