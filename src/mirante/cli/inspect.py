"""`mirante inspect`: what a data set holds and what is wrong with it."""

from typing import TYPE_CHECKING, Annotated

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.messages import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirante.types import Embeddings, Encoder, Pairs


@verb
def inspect(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    reading: Reading,
    running: Running,
    output: Output,
    model: Annotated[str | None, typer.Option(help=text("inspect.model"))] = None,
) -> None:
    """Look at every row of the data set once; of a published one that is not here, say how to get it."""
    from mirante import datasets
    from mirante.diagnosis.examine import examine
    from mirante.diagnosis.words import describe
    from mirante.errors import MissingData

    options = reading.options()
    try:
        dataset = datasets.open_dataset(data, options)
    except MissingData as error:
        if not output.document(datasets.absent(error)):
            typer.echo(datasets.describe_absent(error))
        raise typer.Exit(error.exit_code) from None
    found = examine(dataset, options.language, vectors_of(running.load(model)) if model else None)
    known = datasets.published_at(data)
    if not output.document({**found.to_dict(), "present": True, "published": known.to_dict() if known else None}):
        typer.echo("\n".join([datasets.describe(found.inspection), *describe(found)]))
        if known:
            output.say("published.licence", licence=known.licence.words())
            output.say("published.citation", citation=known.citation, homepage=known.homepage)


def vectors_of(encoder: "Encoder") -> "Callable[[Pairs], tuple[Embeddings, Embeddings]]":
    """Embeds pairs in memory."""
    from mirante.embeddings import embed_pairs

    return lambda pairs: embed_pairs(pairs, encoder)[:2]


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("inspect", help=text("cli.inspect"))(inspect)
