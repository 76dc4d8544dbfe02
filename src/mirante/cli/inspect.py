"""`mirante inspect`: what a data set holds and what is wrong with it."""

from typing import Annotated

import typer

from mirante.cli.options import Output, Reading, verb
from mirante.messages import text


@verb
def inspect(data: Annotated[str, typer.Argument(help=text("cli.data"))], reading: Reading, output: Output) -> None:
    """Look at every row of the data set once; of a published one that is not here, say how to get it."""
    from mirante import datasets
    from mirante.errors import MissingData

    options = reading.options()
    try:
        dataset = datasets.open_dataset(data, options)
    except MissingData as error:
        if not output.document(datasets.absent(error)):
            typer.echo(datasets.describe_absent(error))
        raise typer.Exit(error.exit_code) from None
    found = datasets.inspect(dataset, options.language)
    known = datasets.published_at(data)
    document = {**found.to_dict(), "present": True, "published": known.to_dict() if known else None}
    if not output.document(document):
        typer.echo(datasets.describe(found))
        if known:
            output.say("published.licence", licence=known.licence.words())
            output.say("published.citation", citation=known.citation, homepage=known.homepage)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("inspect", help=text("cli.inspect"))(inspect)
