"""A part of the page that is no protocol's: what several results say together, in sentences, tables and charts."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mirante.report.voice import Voice
from mirante.types import Estimate


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: what it shows, its head, and rows that begin with their name."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """A section of the page.

    Args:
        anchor: id within the page.
        heading: what it is about.
        sentences: what it says, the first of them also at the top of the page.
        tables: one or more.
        charts: drawings beside each other.
        note: how to read it.
    """

    anchor: str
    heading: str
    sentences: tuple[str, ...]
    tables: tuple[Grid, ...]
    charts: tuple[Markup, ...]
    note: str


def share(estimate: Estimate, voice: Voice) -> str:
    """A share with its interval: `31.0% [29.1, 33.0]`."""
    value = voice.percent(estimate.value)
    if not estimate.low < estimate.high:
        return value
    low, high = (voice.number(100 * end, 1) for end in (estimate.low, estimate.high))
    return f"{value} {voice.say('span', low=low, high=high)}"


def shares(metrics: Sequence[Estimate | None], voice: Voice) -> tuple[str, ...]:
    """Each with its interval; nothing for one that was not measured."""
    return tuple("" if one is None else share(one, voice) for one in metrics)
