"""`mirante inspect`: what a data set holds and what is wrong with it."""

from typing import Annotated

import typer

from mirante.cli.options import Output, Reading, verb
from mirante.messages import text


@verb
def inspect(data: Annotated[str, typer.Argument(help=text("cli.data"))], reading: Reading, output: Output) -> None:
    """Look at every row of the data set once."""
    from mirante import datasets

    options = reading.options()
    found = datasets.inspect(datasets.open_dataset(data, options), options.language)
    if not output.document(found.to_dict()):
        typer.echo(datasets.describe(found))


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("inspect", help=text("cli.inspect"))(inspect)
