"""The page: read the saved results, make one section a protocol, render, write."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mirante import messages
from mirante.errors import StoreError
from mirante.evaluation import Comparison, SavedResults
from mirante.report import blend, captions, charts
from mirante.report.contrasts import contrast_panels
from mirante.report.economy import Economy, economy
from mirante.report.frame import render, write
from mirante.report.galleries import Gallery, Thumbnails, gallery
from mirante.report.languages import detailed, language_panels
from mirante.report.leaks import leaks
from mirante.report.reranked import reranked_panels
from mirante.report.saved import NAME, by_protocol, estimates, read_saved
from mirante.report.standing import Standing, standing
from mirante.report.summary import summary
from mirante.report.svg import ceiling
from mirante.report.tables import Table, preset_words, table
from mirante.report.voice import NOTHING, Voice
from mirante.types import Protocol, Result


@dataclass(frozen=True, slots=True)
class Section:
    """Everything that was measured under one protocol, ready to be placed.

    Args:
        anchor: id of the section within the page.
        heading: data, language and direction.
        summary: what the numbers say, in one sentence.
        table: models × metrics.
        standing: who is ahead, where models were compared.
        as_given: the same models judged by the relevance as the data gives it, where captions repeat.
        bars: one drawing per hit rate.
        curve: the R@K drawing.
        histograms: drawing and its words, one per model.
        galleries: one per model.
        economy: what quality costs, where encoding was timed.
    """

    anchor: str
    heading: str
    summary: str
    table: Table
    standing: Standing | None
    as_given: Table | None
    bars: tuple[Markup, ...]
    curve: Markup | None
    histograms: tuple[tuple[str, Markup, str], ...]
    galleries: tuple[Gallery, ...]
    economy: Economy | None = None


def write_report(folder: Path, lang: str | None = None, rank_by: str | None = None) -> Path:
    """Draw what `folder` holds as `folder/report.html`, one file that opens offline.

    Args:
        folder: what an evaluation wrote, `results.json` and, where there are pictures, `thumbnails/`; or what a blend
            wrote, `blend.json`; or the training of a captioner, `captions.json`.
        lang: `"en"` or `"pt"` (any tag of these); by default the language of the environment.
        rank_by: the metric that orders the models that were compared, by default `hit_rate@1`.

    Returns:
        The path of the page.

    Raises:
        UsageError: there is none of them, or `results.json` holds no result.
        UnknownName: the models were not compared by `rank_by`.
        StoreError: the file is damaged or of another schema.
    """
    voice = Voice(messages.language(lang))
    drawn = next((kind for kind in (blend, captions) if kind.holds(folder)), None)
    if drawn and not (folder / NAME).is_file():
        return write(folder, drawn.page(folder, voice))
    return write(folder, _evaluation(folder, voice, rank_by))


def _evaluation(folder: Path, voice: Voice, rank_by: str | None) -> str:
    saved = read_saved(folder)
    thumbnails = Thumbnails(folder / "thumbnails")
    try:
        sections = [
            replace(
                _section(f"p{at}", found, thumbnails, saved.comparisons, voice),
                standing=standing(found, saved.comparisons, voice, rank_by),
            )
            for at, found in enumerate(by_protocol(detailed(saved.results)).values(), 1)
        ]
        return _render(saved, sections, voice)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StoreError(
            f"{str(folder / NAME)!r} is damaged ({type(error).__name__}: {error}): run the evaluation again."
        ) from error


def _section(
    anchor: str,
    results: Sequence[Result],
    thumbnails: Thumbnails,
    comparisons: Sequence[Comparison],
    voice: Voice,
) -> Section:
    protocol = results[0].protocol
    measured = [(one.model, one.metrics) for one in results]
    shown = table(measured, protocol, voice, unjudged=_unjudged(results), comparisons=comparisons)
    return Section(
        anchor=anchor,
        heading=voice.heading(protocol),
        summary=summary(results, protocol, voice, comparisons),
        table=replace(shown, protocol=(*shown.protocol, *preset_words(results[0], voice))),
        standing=None,
        as_given=_as_given(results, protocol, voice),
        bars=_bars(results, voice),
        curve=_curve(results, voice),
        histograms=_histograms(results, voice),
        galleries=tuple(found for one in results if (found := gallery(one, thumbnails, voice))),
        economy=economy(results, voice),
    )


def _unjudged(results: Sequence[Result]) -> int:
    return max(int(one.details.get("unjudged") or 0) for one in results)


def _as_given(results: Sequence[Result], protocol: Protocol, voice: Voice) -> Table | None:
    measured = [(one.model, estimates(given)) for one in results if (given := one.details.get("as_given"))]
    given = replace(protocol, equal_captions="as given")
    return table(measured, given, voice, unjudged=_unjudged(results)) if measured else None


def _bars(results: Sequence[Result], voice: Voice) -> tuple[Markup, ...]:
    metrics = list(dict.fromkeys(name for one in results for name in one.metrics if name.startswith("hit_rate@")))
    rows = {
        metric: [(one.model, one.metrics[metric]) for one in results if metric in one.metrics] for metric in metrics
    }
    ends = [end for found in rows.values() for _, one in found for end in (one.value, one.high) if math.isfinite(end)]
    top = ceiling(max(ends, default=1.0))
    title = {metric: voice.say("bars_title", k=metric.partition("@")[2]) for metric in metrics}
    return tuple(charts.bars(title[metric], rows[metric], voice, top=top) for metric in metrics)


def _curve(results: Sequence[Result], voice: Voice) -> Markup | None:
    found = [(one.model, curve) for one in results if (curve := one.details.get("curve")) and curve["k"]]
    lines = [charts.Curve(model, tuple(curve["k"]), tuple(curve["hit_rate"])) for model, curve in found]
    return charts.curves(lines, voice) if lines else None


def _histograms(results: Sequence[Result], voice: Voice) -> tuple[tuple[str, Markup, str], ...]:
    found = [(one, held) for one in results if (held := one.details.get("histogram"))]
    drawn = [
        (one, charts.Histogram(one.model, tuple(held["edges"]), tuple(held["positive"]), tuple(held["negative"])))
        for one, held in found
    ]
    if not drawn:
        return ()
    span = min(one.span[0] for _, one in drawn), max(one.span[1] for _, one in drawn)
    return tuple((one.model, charts.histogram(data, span, voice), _similarity(one, voice)) for one, data in drawn)


def _similarity(result: Result, voice: Voice) -> str:
    means: Mapping[str, Any] = result.details.get("similarity") or {}
    if not means:
        return ""
    written = {key: NOTHING if means.get(key) is None else voice.number(means[key], 3) for key in means}
    return voice.say(
        "similarity",
        positive=written.get("positive", NOTHING),
        negative=written.get("negative", NOTHING),
        gap=written.get("modality_gap", NOTHING),
    )


def _render(saved: SavedResults, sections: Sequence[Section], voice: Voice) -> str:
    sources = list(dict.fromkeys((one.data, one.provenance) for one in saved.results))
    panels = (
        *reranked_panels(saved.reranked, voice),
        *contrast_panels(saved.contrasts, voice),
        *language_panels(saved.results, saved.gaps, voice),
    )
    return render(
        "report.html", saved.environment, voice,
        sections=sections, sources=sources, panels=panels, leaks=leaks(saved.folder, voice),
    )  # fmt: skip
