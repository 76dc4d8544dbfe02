"""`mirante probe`: what a model sees on the embedded scenes, one question at a time."""

from typing import Annotated

import typer

from mirante.cli.options import Output, Running, verb
from mirante.cli.output import percent
from mirante.messages import text


@verb
def probe(
    model: Annotated[str, typer.Argument(help=text("cli.model"))],
    running: Running,
    output: Output,
    lang: Annotated[str, typer.Option(help=text("cli.probe-lang"))] = "en",
) -> None:
    """Forced choices, minimal pairs and free queries on scenes that no training split holds."""
    from dataclasses import asdict

    from mirante.datasets.scenes import language_of
    from mirante.evaluation.probes import probe as ask

    scores = ask(running.load(model), language_of(lang))
    output.document(
        {"schema": 1, "model": model, "language": lang, "probes": {k: asdict(v) for k, v in scores.items()}}
    )
    rows = [(name, percent(one.right), f"{100 * one.chance:.1f} %", str(one.questions)) for name, one in scores.items()]
    head = (text("cli.column-probe"), text("cli.column-right"), text("cli.column-chance"), text("cli.column-questions"))
    output.table(head, rows)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("probe", help=text("cli.probe"))(probe)
