"""One test in several languages: a table and bars by language, and how far Portuguese is from English."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from mirante.evaluation import Gap, by_language
from mirante.evaluation.languages import AGAINST, ASKED
from mirante.evaluation.significance import LEVEL
from mirante.report import charts
from mirante.report.panel import Grid, Panel, shares
from mirante.report.svg import ceiling
from mirante.report.tables import metric_name
from mirante.report.voice import Voice
from mirante.types import Estimate, Result

METRIC = "hit_rate@1"
SHOWN = (METRIC, "hit_rate@5", "hit_rate@10", "mrr", "ndcg@10")
FEW = 3
"""Of a test in more languages than these, only Portuguese and English get a part of the page to themselves."""


def language_panels(results: Sequence[Result], gaps: Sequence[Gap], voice: Voice) -> tuple[Panel, ...]:
    """One panel for each test in several languages and direction."""
    return tuple(_panel(f"l{at}", spoken, gaps, voice) for at, spoken in enumerate(by_language(results), 1))


def detailed(results: Iterable[Result]) -> list[Result]:
    """The results that are drawn in full; of a test in many languages those in Portuguese and English."""
    kept = list(results)
    aside = {
        id(result)
        for spoken in by_language(kept)
        if len(spoken) > FEW
        for tag, found in spoken.items()
        if tag.partition("-")[0].lower() not in (ASKED, AGAINST)
        for result in found
    }
    return [result for result in kept if id(result) not in aside]


def ordered(spoken: dict[str, list[Result]]) -> list[str]:
    """Language tags, the highest value of the first model first; languages that it lacks come last."""
    model = next(iter(spoken.values()))[0].model

    def value(tag: str) -> float:
        found = _of(spoken[tag], model)
        return found.metrics[METRIC].value if found and METRIC in found.metrics else -1.0

    return sorted(spoken, key=lambda tag: (-value(tag), tag))


def gap_words(gap: Gap, voice: Voice) -> tuple[str, dict[str, str]]:
    """What a gap says: the key of a message and its fields; one told to be below is written without a sign."""
    key = "alike" if gap.p > LEVEL else "below" if gap.difference < 0 else "above"
    turn = -1 if key == "below" else 1
    low, high = sorted((turn * gap.low, turn * gap.high))
    return f"spoken.gap_{key}", {
        "model": gap.model,
        "first": voice.language(gap.first),
        "second": voice.language(gap.second),
        "metric": gap.metric.replace("hit_rate", "R"),
        "difference": _points(turn * gap.difference, voice),
        "low": _points(low, voice),
        "high": _points(high, voice),
        "images": voice.number(gap.images),
    }


def gap_sentence(gap: Gap, voice: Voice) -> str:
    """What a gap says."""
    key, fields = gap_words(gap, voice)
    return voice.say(key, **fields)


def _panel(anchor: str, spoken: dict[str, list[Result]], gaps: Sequence[Gap], voice: Voice) -> Panel:
    tags = ordered(spoken)
    first = spoken[tags[0]][0]
    models = list(dict.fromkeys(one.model for tag in tags for one in spoken[tag]))
    mine = [
        one
        for one in gaps
        if (one.data, one.direction, one.metric) == (first.data, first.direction, METRIC) and one.model in models
    ]
    count = voice.number(len(tags))
    heading = voice.say("spoken.heading", data=first.data, count=count, direction=voice.say(first.direction))
    return Panel(
        anchor=anchor,
        heading=heading,
        sentences=tuple(gap_sentence(one, voice) for one in mine),
        tables=tuple(_table(model, tags, spoken, voice) for model in models),
        charts=_bars(models, tags, spoken, voice),
        note=voice.say("spoken.note"),
    )


def _table(model: str, tags: Sequence[str], spoken: dict[str, list[Result]], voice: Voice) -> Grid:
    found = {tag: result for tag in tags if (result := _of(spoken[tag], model))}
    shown = [name for name in SHOWN if any(name in one.metrics for one in found.values())]
    rows = [
        (voice.language(tag), voice.number(one.protocol.queries), *shares([one.metrics.get(n) for n in shown], voice))
        for tag, one in found.items()
    ]
    names = [metric_name(name, voice) + name[len(name.partition("@")[0]) :] for name in shown]
    head = (voice.say("spoken.column_language"), voice.say("spoken.column_queries"), *names)
    return Grid(model, head, tuple(rows))


def _bars(
    models: Sequence[str], tags: Sequence[str], spoken: dict[str, list[Result]], voice: Voice
) -> tuple[Markup, ...]:
    rows: dict[str, list[tuple[str, Estimate]]] = {
        model: [
            (voice.language(tag), one.metrics[METRIC])
            for tag in tags
            if (one := _of(spoken[tag], model)) and METRIC in one.metrics
        ]
        for model in models
    }
    ends = [end for found in rows.values() for _, one in found for end in (one.value, one.high)]
    top = ceiling(max(ends, default=1.0))
    title = voice.say("bars_title", k=METRIC.partition("@")[2])
    return tuple(
        charts.bars(f"{model} · {title}", found, voice, top=top, hue=at)
        for at, (model, found) in enumerate(rows.items())
        if found
    )


def _of(results: Sequence[Result], model: str) -> Result | None:
    return next((one for one in results if one.model == model), None)


def _points(share: float, voice: Voice) -> str:
    return voice.number(100 * share, 1)
