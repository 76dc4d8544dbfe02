"""`mirante rescore`: saved results under another protocol, without a model."""

from pathlib import Path
from typing import Annotated

import typer

from mirante.cli.evaluate import answer
from mirante.cli.options import Output, verb
from mirante.errors import UnknownName
from mirante.messages import LANGUAGES, text


@verb
def rescore(
    folder: Annotated[Path, typer.Argument(help=text("cli.results"))],
    protocol: Annotated[str, typer.Option(help=text("cli.protocol-option"))],
    out: Annotated[Path, typer.Option(help=text("cli.out-rescored"))],
    output: Output,
    lang: Annotated[str | None, typer.Option(help=text("cli.report-lang"))] = None,
) -> None:
    """Score saved results under another protocol."""
    from mirante import pipeline
    from mirante.evaluation import load_preset, load_results

    if lang is not None and lang[:2].lower() not in LANGUAGES:
        raise UnknownName("language of reports", lang, LANGUAGES)
    pipeline.again(folder, load_preset(protocol), out, lang)
    answer(out, output)
    if load_results(folder).reranked:
        output.say("reranking.left-out")


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("rescore", help=text("cli.rescore"))(rescore)
