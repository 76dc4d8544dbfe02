"""`mirante evaluate`: models on data sets, judged, compared, with a report."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.cli.output import number
from mirante.messages import LANGUAGES, text

if TYPE_CHECKING:
    from mirante.evaluation import SavedResults
    from mirante.types import Result

SHOWN = ("hit_rate@1", "hit_rate@5", "hit_rate@10", "mrr", "ndcg@10", "median_rank")
LEAD = "hit_rate@1"


@dataclass(frozen=True)
class Conditions:
    """What is asked."""

    limit: Annotated[int | None, typer.Option(min=1, help=text("cli.limit"))] = None
    no_cache: Annotated[bool, typer.Option("--no-cache", help=text("cli.no-cache"))] = False
    protocol: Annotated[str | None, typer.Option(help=text("cli.protocol-option"))] = None
    usd_per_hour: Annotated[float, typer.Option(min=0, help=text("economy.usd-per-hour"))] = 0.0
    rerank: Annotated[list[str] | None, typer.Option(metavar="KIND[:ADDRESS]", help=text("reranking.rerank"))] = None
    rerank_depth: Annotated[int, typer.Option(min=1, help=text("reranking.depth"))] = 100
    trained_on: Annotated[list[str] | None, typer.Option(metavar="DATA", help=text("leaks.trained-on"))] = None


@verb
def evaluate(
    data: Annotated[list[str], typer.Argument(help=text("cli.data-many"))],
    model: Annotated[list[str], typer.Option(help=text("cli.model-many"))],
    out: Annotated[Path, typer.Option(help=text("cli.out-results"))],
    reading: Reading,
    running: Running,
    conditions: Conditions,
    output: Output,
) -> None:
    """Evaluate every model on every data set in both directions."""
    from mirante import pipeline
    from mirante.evaluation import Preset, load_preset

    preset = load_preset(conditions.protocol) if conditions.protocol else Preset()
    language = reading.lang[:2].lower() if reading.lang and reading.lang[:2].lower() in LANGUAGES else None
    sources = tuple(pipeline.Source(address, reading.options(), conditions.limit) for address in data)
    job = pipeline.Job(
        sources, tuple(model), out, language,
        cache=not conditions.no_cache, protocol=preset, usd_per_hour=conditions.usd_per_hour,
        rerank=tuple(conditions.rerank or ()), depth=conditions.rerank_depth,
        trained_on=tuple(pipeline.Source(address) for address in conditions.trained_on or ()),
    )  # fmt: skip
    pipeline.run(job, running.load if job.rerank else running.recall)
    answer(out, output)


def answer(out: Path, output: Output) -> None:
    """Say what the folder of results holds."""
    from mirante.evaluation import load_results

    saved = load_results(out)
    if not output.document(document(saved)):
        leaks(out, output)
        show(saved, output)
        output.say("cli.report", path=out / "report.html")


def leaks(out: Path, output: Output) -> None:
    """Before any number: which measured pictures a model has learnt from, and what is right without them."""
    from mirante.diagnosis.saved import load_looks
    from mirante.diagnosis.words import describe_look

    for look in load_looks(out):
        for sentence in describe_look(look):
            output.say("leaks.line", sentence=sentence)
        head = (text("cli.column-model"), text("leaks.direction"), *map(text, ("leaks.with", "leaks.without")))
        rows = [
            (one.model, text(f"cli.{one.direction}"), number(LEAD, one.metrics[LEAD]), number(LEAD, one.without[LEAD]))
            for one in look.figures
            if LEAD in one.without
        ]
        if rows:
            output.table(head, rows)


def document(saved: "SavedResults") -> dict[str, object]:
    """The JSON document of an evaluation."""
    from mirante.diagnosis.saved import load_looks
    from mirante.evaluation.results import result_json

    return {
        "schema": 1,
        "leaks": [look.to_dict() for look in load_looks(saved.folder)],
        "results": [result_json(result) for result in saved.results],
        "comparisons": [asdict(one) for one in saved.comparisons],
        "contrasts": [asdict(one) for one in saved.contrasts],
        "gaps": [asdict(one) for one in saved.gaps],
        "reranked": [one.to_dict() for one in saved.reranked],
        "out": str(saved.folder),
    }


def show(saved: "SavedResults", output: Output) -> None:
    """One table per protocol, as different protocols never share one; under it, who is ahead.

    A test in several languages is one table with a row for each.
    """
    from mirante.cli.languages import show_contrasts, show_languages
    from mirante.cli.reranked import show_reranked
    from mirante.evaluation import leading, league
    from mirante.messages import language
    from mirante.report.standing import METRIC, sentences
    from mirante.report.voice import Voice

    voice = Voice(language())
    show_contrasts(saved, voice, output)
    groups: dict[object, list[Result]] = {}
    for result in show_languages(saved, voice, output, columns=SHOWN):
        groups.setdefault(result.protocol, []).append(result)
    for results in groups.values():
        protocol = results[0].protocol
        direction = text(f"cli.{protocol.direction}")
        output.say(
            "cli.protocol", data=protocol.data, direction=direction, gallery=protocol.gallery, queries=protocol.queries
        )
        if protocol.dropped:
            output.say("cli.left-out", dropped=protocol.dropped)
        shown = (*SHOWN[:3], "map", *SHOWN[4:]) if leading(protocol) == "map" else SHOWN
        rows = [(one.model, *(number(name, one.metrics[name]) for name in shown)) for one in results]
        output.table((text("cli.column-model"), *shown), rows)
        found = league(results, saved.comparisons, METRIC)
        for sentence in sentences(found, voice) if found else ():
            output.say("cli.sentence", sentence=sentence, metric=METRIC)
    show_reranked(saved, voice, output)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("evaluate", help=text("cli.evaluate"))(evaluate)
