"""`mirante embed`: a data set's pictures and captions as vectors in a folder."""

from pathlib import Path
from typing import Annotated

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.messages import text


@verb
def embed(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    model: Annotated[str, typer.Option(help=text("cli.model"))],
    out: Annotated[Path, typer.Option(help=text("cli.out-embeddings"))],
    reading: Reading,
    running: Running,
    output: Output,
    limit: Annotated[int | None, typer.Option(min=1, help=text("cli.limit"))] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help=text("cli.no-cache"))] = False,
) -> None:
    """Embed every split asked for; the same call again goes on where it stopped."""
    from mirante import embeddings
    from mirante.datasets import open_dataset

    options = reading.options()
    settings = embeddings.Settings(language=options.language, limit=limit, cache=not no_cache)
    done = embeddings.embed(open_dataset(data, options), running.load(model), out, settings)
    output.document(done.to_dict())
    output.say("cli.embedded", out=done.out, seconds=done.seconds, rate=done.rate, **done.images)
    for image, reason in done.unreadable.items():
        output.say("cli.unreadable", id=image, reason=reason)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("embed", help=text("cli.embed"))(embed)
