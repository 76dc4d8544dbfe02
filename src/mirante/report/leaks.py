"""What a report says of leaks: who learnt from which measured pictures, the figures without, the pairs side by side."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mirante.diagnosis.saved import SHOWN, Figures, Look, load_looks, picture_file
from mirante.diagnosis.words import summary
from mirante.report.summary import HEADLINE
from mirante.report.voice import NOTHING, Voice
from mirante.types import Estimate


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, as data URLs (`""` where one is missing), their ids, and why they count as one."""

    asked: str
    known: str
    asked_source: str
    known_source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """One look, ready to be placed.

    Args:
        summary: in one sentence.
        models: whom it concerns, in words.
        rows: model, direction, queries touched, the metric with all queries and without those that leaked.
        pairs: the first of them.
        count: how many of all pairs are shown, in words.
        leaked: whether anything was found.
    """

    summary: str
    models: str
    rows: tuple[tuple[str, ...], ...]
    pairs: tuple[Pair, ...]
    count: str
    leaked: bool


def leaks(folder: Path, voice: Voice) -> tuple[Found, ...]:
    """What lies in `folder/leaks.json`, nothing where nobody looked.

    Raises:
        StoreError: the file is damaged.
    """
    return tuple(_found(look, folder, voice) for look in load_looks(folder))


def _found(look: Look, folder: Path, voice: Voice) -> Found:
    shown = tuple(_pairs(look, folder, voice))
    every = len(look.leaks.pairs)
    return Found(
        summary=summary(look, voice.lang),
        models=voice.say("leaks.concerns", models=voice.names(look.models)),
        rows=tuple(_row(one, voice) for one in look.figures),
        pairs=shown,
        count=voice.say("leaks.gallery", shown=voice.number(len(shown)), count=voice.number(every)),
        leaked=bool(every),
    )


def _row(one: Figures, voice: Voice) -> tuple[str, ...]:
    touched = voice.say("leaks.of", touched=voice.number(one.touched), queries=voice.number(one.queries))
    found = [_written(metrics.get(HEADLINE), voice) for metrics in (one.metrics, one.without)]
    return one.model, voice.say(one.direction), touched, *found


def _written(one: Estimate | None, voice: Voice) -> str:
    if one is None:
        return NOTHING
    return f"{voice.percent(one.value)} [{voice.percent(one.low)}, {voice.percent(one.high)}]"


def _pairs(look: Look, folder: Path, voice: Voice) -> Iterator[Pair]:
    leaks = look.leaks
    for one in leaks.pairs[:SHOWN]:
        reason = voice.say("leaks.equal" if one.reason == "equal" else "leaks.near")
        asked = _source(picture_file(folder, leaks.asked, one.asked))
        known = _source(picture_file(folder, leaks.known, one.known))
        yield Pair(one.asked, one.known, asked, known, reason)


def _source(path: Path) -> str:
    """A data URL of a JPEG, `""` where there is none."""
    data = path.read_bytes() if path.is_file() else b""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if data.startswith(b"\xff\xd8") else ""
