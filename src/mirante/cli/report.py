"""`mirante report`: draw the report again from saved results, without a model."""

from pathlib import Path
from typing import Annotated

import typer

from mirante.cli.options import Output, verb
from mirante.errors import UnknownName
from mirante.messages import LANGUAGES, text


@verb
def report(
    folder: Annotated[Path, typer.Argument(help=text("cli.results"))],
    output: Output,
    lang: Annotated[str | None, typer.Option(help=text("cli.report-lang"))] = None,
    rank_by: Annotated[str | None, typer.Option(help=text("cli.rank-by"))] = None,
) -> None:
    """Draw `report.html` from `results.json`."""
    from mirante.report import write_report

    if lang is not None and lang[:2].lower() not in LANGUAGES:
        raise UnknownName("language of reports", lang, LANGUAGES)
    path = write_report(folder, lang, rank_by)
    output.document({"schema": 1, "report": str(path)})
    output.say("cli.report", path=path)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("report", help=text("cli.report-verb"))(report)
