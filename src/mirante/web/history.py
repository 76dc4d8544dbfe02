"""Past evaluations and trainings in a folder: listed, opened again, compared. Nothing here knows Gradio."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from mirante.errors import MiranteError
from mirante.evaluation import SavedResults, load_results
from mirante.report.advice_words import Said, duration
from mirante.report.saved import by_protocol
from mirante.report.tables import table
from mirante.report.voice import NOTHING, Voice
from mirante.web import cards, tables
from mirante.web.curve import falling

RESULTS, TRAINING, ADVICE, REPORT = "results.json", "run.json", "advice.json", "report.html"
LEAD = "hit_rate@1"
SHOWN = (LEAD, "hit_rate@5", "hit_rate@10", "mrr", "ndcg@10", "median_rank")
_DEEP = 3


@dataclass(frozen=True)
class Past:
    """One past evaluation or training.

    Args:
        folder: where it lies.
        name: its path within the folder of runs.
        measured: whether models were evaluated there; else one was trained.
        when: of its last file, seconds since 1970.
    """

    folder: Path
    name: str
    measured: bool
    when: float


def past(runs: Path) -> list[Past]:
    """What lies in a folder of runs, the latest first."""
    found = {}
    for name in (TRAINING, RESULTS):
        for deep in range(_DEEP):
            for file in runs.glob("*/" * deep + name):
                inside = file.parent.relative_to(runs).as_posix()
                found[inside] = Past(file.parent, inside, name == RESULTS, file.stat().st_mtime)
    return sorted(found.values(), key=lambda one: -one.when)


def listed(runs: Path, lang: str) -> str:
    """All of it as one table."""
    rows = [_row(one, Voice(lang)) for one in past(runs)]
    if not rows:
        return cards.notice(lang, "runs_none", folder=runs)
    head = [cards.say(lang, f"runs_{one}") for one in ("name", "kind", "what", "best", "when")]
    return tables.plain(cards.say(lang, "runs_title"), head, rows)


def opened(runs: Path, names: Sequence[str], lang: str) -> str:
    """The runs of these names: evaluations by protocol, trainings beside each other, or one message.

    Only names that `past` finds are opened.
    """
    voice, known = Voice(lang), {one.name: one for one in past(runs)}
    chosen = [known[one] for one in names if one in known]
    try:
        saved = {one.name: load_results(one.folder) for one in chosen if one.measured}
        parts = [*_measured(saved, voice), *_trained([one for one in chosen if not one.measured], voice)]
        if len(chosen) == 1:
            parts += [_advice(chosen[0].folder, voice), _report(chosen[0].folder, lang)]
    except (MiranteError, OSError, ValueError, KeyError, TypeError) as error:
        return cards.notice(lang, "runs_refused", message=error)
    return "".join(parts)


def _measured(saved: Mapping[str, SavedResults], voice: Voice) -> Iterator[str]:
    """One table a protocol; a model is named with its run where there are several."""
    several = len(saved) > 1
    names = {id(one): name for name, held in saved.items() for one in held.results}
    comparisons = () if several else [one for held in saved.values() for one in held.comparisons]
    groups = by_protocol([one for held in saved.values() for one in held.results])
    for protocol, results in groups.items():
        measured = [
            (
                f"{one.model} ({names[id(one)]})" if several else one.model,
                {name: one.metrics[name] for name in SHOWN if name in one.metrics},
            )
            for one in results
        ]
        found = table(measured, protocol, voice, comparisons=comparisons)
        yield tables.metrics(found, voice.heading(protocol), voice)
        yield f'<p class="status">{escape(found.protocol[0])}</p>'


def _trained(chosen: Sequence[Past], voice: Voice) -> Iterator[str]:
    if not chosen:
        return
    runs = {one.name: _Training.read(one.folder) for one in chosen}
    head = [cards.say(voice.lang, f"runs_{one}") for one in ("name", "data", "step", "loss", "took", "before", "after")]
    rows = [
        (
            name, run.data, voice.number(run.steps), voice.number(run.losses[-1][1], 3) if run.losses else NOTHING,
            duration(run.hours, voice), _share(run.before, voice), _share(run.after, voice),
        )
        for name, run in runs.items()
    ]  # fmt: skip
    yield tables.plain(cards.say(voice.lang, "runs_trained"), head, rows)
    yield falling({name: run.losses for name, run in runs.items()}, voice)


@dataclass(frozen=True)
class _Training:
    """What a training left: steps and running losses, hours, R@1 before and after where they were measured."""

    data: str
    losses: Sequence[tuple[int, float]]
    hours: float
    before: float | None
    after: float | None

    @property
    def steps(self) -> int:
        return self.losses[-1][0] if self.losses else 0

    @classmethod
    def read(cls, folder: Path) -> "_Training":
        log = folder / "log.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
        news = [json.loads(line) for line in lines if line.endswith("}")]
        told = [one for one in news if "loss" in one]
        config = json.loads((folder / TRAINING).read_text(encoding="utf-8"))["config"]
        return cls(
            str(config.get("data", {}).get("address", "")),
            [(int(one["step"]), float(one["loss"])) for one in told],
            float(told[-1].get("hours", 0.0)) if told else 0.0,
            _r1(folder / "before.json"),
            _r1(folder / "after.json"),
        )


def _r1(path: Path) -> float | None:
    target = json.loads(path.read_text(encoding="utf-8")).get("target") if path.is_file() else None
    return float(target["metrics"][LEAD]["value"]) if target else None


def _share(value: float | None, voice: Voice) -> str:
    return NOTHING if value is None else voice.percent(value)


def _row(one: Past, voice: Voice) -> tuple[str, ...]:
    kind = cards.say(voice.lang, "runs_evaluation" if one.measured else "runs_training")
    when = datetime.fromtimestamp(one.when).strftime("%d/%m/%Y %H:%M" if voice.lang == "pt" else "%Y-%m-%d %H:%M")
    try:
        what, best = _told(one, voice)
    except (MiranteError, OSError, ValueError, KeyError, TypeError) as error:
        what, best = cards.say(voice.lang, "runs_damaged", message=error), NOTHING
    return one.name, kind, what, best, when


def _told(one: Past, voice: Voice) -> tuple[str, str]:
    """What a run was about, and its best R@1 from text to image."""
    if not one.measured:
        run = _Training.read(one.folder)
        return run.data, _share(run.after, voice)
    results = load_results(one.folder).results
    lead = [found.metrics[LEAD].value for found in results
            if found.direction == "text_to_image" and LEAD in found.metrics]  # fmt: skip
    data, models = (list(dict.fromkeys(names)) for names in zip(*((r.data, r.model) for r in results), strict=True))
    return f"{voice.names(data)}: {voice.names(models)}", _share(max(lead, default=None), voice)


def _advice(folder: Path, voice: Voice) -> str:
    path = folder / ADVICE
    if not path.is_file():
        return ""
    document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    said = Said.of(document, voice.lang)
    warnings = "".join(cards.alert(one) for one in said.warnings)
    reasons = "".join(f"<li>{escape(one)}</li>" for one in said.reasons)
    commands = "".join(f"<pre><code>{escape(one)}</code></pre>" for one in said.commands)
    price = "".join(f"<p>{escape(one)}</p>" for one in said.price)
    title = escape(cards.say(voice.lang, "advice"))
    return (
        f'<section class="advice" aria-label="{title}"><h2>{title}: {escape(said.headline)}</h2>{warnings}'
        f"<p>{escape(said.why)} {escape(said.basis)}</p><ul>{reasons}</ul>{commands}{price}</section>"
    )


def _report(folder: Path, lang: str) -> str:
    path = folder / REPORT
    if not path.is_file():
        return ""
    title, page = escape(cards.say(lang, "report")), escape(path.read_text(encoding="utf-8"))
    return (
        f'<details class="report"><summary>{title}</summary>'
        f'<iframe title="{title}" sandbox srcdoc="{page}"></iframe></details>'
    )
