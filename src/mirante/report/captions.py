"""The page of a captioner's training, from `captions.json` alone: figures before and after, captions, what it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirante.captioning import METRICS
from mirante.report.frame import render
from mirante.report.galleries import Thumbnails
from mirante.report.saved import draw_saved, estimates
from mirante.report.voice import NOTHING, Voice
from mirante.types import Estimate, Protocol

NAME = "captions.json"
SCHEMA = 1
NAMES = {"bleu_4": "BLEU-4", "rouge_l": "ROUGE-L", "cider_d": "CIDEr-D"}
PLAIN = ("cider_d",)
"""Metrics that are no shares."""


@dataclass(frozen=True, slots=True)
class Row:
    """A metric: each value with its interval, and the change."""

    name: str
    before: tuple[str, str]
    after: tuple[str, str]
    change: str


@dataclass(frozen=True, slots=True)
class Side:
    """One data set: its name, its metrics, the conditions as sentences."""

    heading: str
    rows: tuple[Row, ...]
    protocol: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as a data URL, `""` where there is none, and what was said of it."""

    image: str
    source: str
    before: str
    after: str
    references: tuple[str, ...]


def holds(folder: Path) -> bool:
    """Whether `folder` has a captioner's training to draw."""
    return (folder / NAME).is_file()


def page(folder: Path, voice: Voice) -> str:
    """Draw `folder/captions.json`.

    Raises:
        StoreError: it is damaged or of another schema.
    """
    return draw_saved(
        folder / NAME, SCHEMA, "train", lambda saved: _page(saved, Thumbnails(folder / "thumbnails"), voice)
    )


def _page(saved: Mapping[str, Any], thumbnails: Thumbnails, voice: Voice) -> str:
    sides = [_side(saved, name, voice) for name in ("target", "retain") if name in saved["protocols"]]
    return render(
        "captions.html",
        saved["environment"] | {"seconds": 3600 * saved["cost"]["hours"]},
        voice,
        sides=sides,
        shown=[_shown(one, thumbnails, voice) for one in saved["examples"]],
        costs=_costs(saved, voice),
        checkpoint=saved["checkpoint"],
        model=saved["base"],
    )


def _side(saved: Mapping[str, Any], name: str, voice: Voice) -> Side:
    prefix = "retain_" if name == "retain" else ""
    before, after = (estimates(saved[f"{prefix}{when}"]) for when in ("before", "after"))
    protocol = Protocol(**saved["protocols"][name])
    rows = tuple(_row(metric, before.get(metric), after[metric], voice) for metric in METRICS if metric in after)
    language = voice.language(protocol.language)
    return Side(f"{protocol.data} · {language}", rows, _conditions(protocol, voice))


def _row(metric: str, before: Estimate | None, after: Estimate, voice: Voice) -> Row:
    change = NOTHING if before is None else _signed(metric, after.value - before.value, voice)
    return Row(NAMES[metric], _value(metric, before, voice), _value(metric, after, voice), change)


def _value(metric: str, one: Estimate | None, voice: Voice) -> tuple[str, str]:
    if one is None:
        return NOTHING, ""
    low, value, high = (_number(metric, number, voice) for number in (one.low, one.value, one.high))
    unit = "" if metric in PLAIN else "%"
    return f"{value}{unit}", f"{low}–{high}" if one.low < one.high else ""


def _number(metric: str, value: float, voice: Voice) -> str:
    return voice.number(value, 2) if metric in PLAIN else voice.number(100 * value, 1)


def _signed(metric: str, change: float, voice: Voice) -> str:
    number = _number(metric, change, voice)
    return f"+{number}" if change > 0 and float(number.translate(str.maketrans(",", "."))) else number


def _conditions(protocol: Protocol, voice: Voice) -> tuple[str, ...]:
    """Nothing is ranked, so that a gallery, a depth and ties are not spoken of."""
    per_image, queries = voice.number(protocol.captions_per_image, 1), voice.number(protocol.queries)
    dropped = voice.say("protocol_none_dropped")
    if protocol.dropped:
        dropped = voice.say("protocol_dropped", count=voice.number(protocol.dropped))
    language = voice.language(protocol.language)
    measured = {"pictures": queries, "per_image": per_image, "data": protocol.data, "language": language}
    return voice.say("captioned.protocol", **measured), dropped


def _shown(one: Mapping[str, Any], thumbnails: Thumbnails, voice: Voice) -> Shown:
    before = voice.say("captioned.none") if one["before"] is None else str(one["before"])
    image = str(one["image"])
    return Shown(image, thumbnails.source(image), before, str(one["after"]), tuple(map(str, one["references"])))


def _costs(saved: Mapping[str, Any], voice: Voice) -> list[tuple[str, str, str]]:
    """What it took beside what was expected: hours, memory, and where an hour has a price, money."""
    took, told = saved["cost"], saved["predicted"] or {}
    rows = [("captioned.hours", "hours", 1, 3), ("captioned.memory", "peak_bytes", 1e-9, 2)]
    rows += [("captioned.usd", "usd", 1, 2)] if saved["usd_per_hour"] else []

    def written(figures: Mapping[str, Any], key: str, scale: float, places: int) -> str:
        return NOTHING if figures.get(key) is None else voice.number(scale * figures[key], places)

    return [(voice.say(name), written(took, *how), written(told, *how)) for name, *how in rows]  # type: ignore[arg-type]
