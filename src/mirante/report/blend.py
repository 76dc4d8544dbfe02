"""The page of a blend, from `blend.json` alone: what each α learns and forgets, and which one was chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirante.report.frame import render
from mirante.report.saved import draw_saved, estimates
from mirante.report.tables import metric_name, protocol_words, span, written
from mirante.report.tradeoff import Mark, Tradeoff
from mirante.report.voice import Voice
from mirante.types import Protocol

NAME = "blend.json"
SCHEMA = 1
SIDES = ("target", "retain")
SHOWN = ("hit_rate@1", "hit_rate@5", "mrr")


@dataclass(frozen=True, slots=True)
class Row:
    """One α as the table has it: values with intervals of each side, points lost, what the rule says of it."""

    alpha: str
    target: tuple[tuple[str, str], ...]
    retain: tuple[tuple[str, str], ...]
    change: str
    verdict: str
    chosen: bool


def holds(folder: Path) -> bool:
    """Whether `folder` has a blend to draw."""
    return (folder / NAME).is_file()


def page(folder: Path, voice: Voice) -> str:
    """Draw `folder/blend.json`.

    Raises:
        StoreError: it is damaged or of another schema.
    """
    return draw_saved(folder / NAME, SCHEMA, "blend", lambda saved: _page(saved, voice))


def _page(saved: Mapping[str, Any], voice: Voice) -> str:
    points, metric = saved["points"], saved["metric"]
    marks = [_mark(one, metric, saved["chosen"]) for one in points]
    limit = marks[0].retain.value - saved["tolerance"] / 100
    chart = Tradeoff(marks, limit, voice)
    protocols = [Protocol(**points[0][side]["protocol"]) for side in SIDES]
    notes = [voice.say("tradeoff.note"), voice.say("tradeoff.note_limit" if chart.limited else "tradeoff.note_far")]
    return render(
        "blend.html",
        saved.get("environment") or {},
        voice,
        summary=_summary(marks, saved, voice),
        chart=chart.draw(),
        note=" ".join(notes),
        metrics=[_column(name, voice) for name in SHOWN],
        rows=[_row(one, mark, voice) for one, mark in zip(points, marks, strict=True)],
        protocols=[
            (voice.say(f"tradeoff.{side}"), voice.heading(said), protocol_words(said, voice))
            for side, said in zip(SIDES, protocols, strict=True)
        ],
        rule=voice.say("tradeoff.rule", tolerance=voice.short(saved["tolerance"])),
        checkpoint=saved["checkpoint"],
        models=[(voice.say(f"tradeoff.{name}"), saved[name]) for name in ("start", "end")],
    )


def _mark(one: Mapping[str, Any], metric: str, chosen: float) -> Mark:
    target, retain = (estimates(one[side]["metrics"])[metric] for side in SIDES)
    return Mark(float(one["alpha"]), target, retain, bool(one["allowed"]), one["alpha"] == chosen)


def _summary(marks: Sequence[Mark], saved: Mapping[str, Any], voice: Voice) -> str:
    chosen, start = next(one for one in marks if one.chosen), marks[0]
    values = {
        "tolerance": voice.short(saved["tolerance"]),
        "target": voice.percent(chosen.target.value),
        "target_start": voice.percent(start.target.value),
        "retain": voice.percent(chosen.retain.value),
        "retain_start": voice.percent(start.retain.value),
    }
    if chosen is start:
        return voice.say("tradeoff.summary_start", **values)
    ended = marks[-1].alpha == 1 and not marks[-1].chosen
    end = {"target_end": voice.percent(marks[-1].target.value), "retain_end": voice.percent(marks[-1].retain.value)}
    compared = voice.say("tradeoff.summary_end", **end) if ended else ""
    said = voice.say("tradeoff.summary", alpha=voice.short(chosen.alpha), **values)
    return f"{said} {compared}".strip()


def _row(one: Mapping[str, Any], mark: Mark, voice: Voice) -> Row:
    verdict = "tradeoff.chosen" if mark.chosen else "" if mark.allowed else "tradeoff.refused"
    return Row(
        alpha=voice.short(mark.alpha),
        target=_cells(one["target"]["metrics"], voice),
        retain=_cells(one["retain"]["metrics"], voice),
        change=_signed(-float(one["lost"]), voice),
        verdict=voice.say(verdict) if verdict else "",
        chosen=mark.chosen,
    )


def _cells(metrics: Mapping[str, Any], voice: Voice) -> tuple[tuple[str, str], ...]:
    found = estimates({name: metrics[name] for name in SHOWN})
    return tuple((written(name, one.value, voice), span(name, one, voice)) for name, one in found.items())


def _column(metric: str, voice: Voice) -> str:
    cutoff = metric.partition("@")[2]
    return f"R@{cutoff}" if cutoff else metric_name(metric, voice)


def _signed(points: float, voice: Voice) -> str:
    number = voice.number(points, 1)
    return f"+{number}" if round(points, 1) > 0 else number
