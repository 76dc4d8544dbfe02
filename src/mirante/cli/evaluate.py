"""`mirante evaluate`: models on data sets, judged, with a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.cli.output import number
from mirante.messages import LANGUAGES, text

if TYPE_CHECKING:
    from mirante.types import Result

SHOWN = ("hit_rate@1", "hit_rate@5", "hit_rate@10", "mrr", "ndcg@10", "median_rank")


@verb
def evaluate(
    data: Annotated[list[str], typer.Argument(help=text("cli.data-many"))],
    model: Annotated[list[str], typer.Option(help=text("cli.model-many"))],
    out: Annotated[Path, typer.Option(help=text("cli.out-results"))],
    reading: Reading,
    running: Running,
    output: Output,
    limit: Annotated[int | None, typer.Option(min=1, help=text("cli.limit"))] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help=text("cli.no-cache"))] = False,
) -> None:
    """Evaluate every model on every data set in both directions."""
    from mirante import pipeline

    language = reading.lang[:2].lower() if reading.lang and reading.lang[:2].lower() in LANGUAGES else None
    sources = tuple(pipeline.Source(address, reading.options(), limit) for address in data)
    job = pipeline.Job(sources, tuple(model), out, language, cache=not no_cache)
    results = pipeline.run(job, running.load)
    if not output.document(document(results, out)):
        show(results, output)
        output.say("cli.report", path=out / "report.html")


def document(results: "tuple[Result, ...]", out: Path) -> dict[str, object]:
    """The JSON document of an evaluation."""
    from mirante.evaluation.results import result_json

    return {"schema": 1, "results": [result_json(result) for result in results], "out": str(out)}


def show(results: "tuple[Result, ...]", output: Output) -> None:
    """One table per protocol, as different protocols never share one."""
    for protocol in dict.fromkeys(result.protocol for result in results):
        direction = text(f"cli.{protocol.direction}")
        output.say(
            "cli.protocol", data=protocol.data, direction=direction, gallery=protocol.gallery, queries=protocol.queries
        )
        rows = [
            (result.model, *(number(name, result.metrics[name]) for name in SHOWN))
            for result in results
            if result.protocol == protocol
        ]
        output.table((text("cli.column-model"), *SHOWN), rows)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("evaluate", help=text("cli.evaluate"))(evaluate)
