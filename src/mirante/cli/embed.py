"""`mirante embed`: a data set's pictures and captions as vectors in a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.errors import UnknownName
from mirante.messages import text

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Working:
    """How much is done, and where."""

    limit: Annotated[int | None, typer.Option(min=1, help=text("cli.limit"))] = None
    no_cache: Annotated[bool, typer.Option("--no-cache", help=text("cli.no-cache"))] = False
    engine: Annotated[str, typer.Option(help=text("cli.engine"))] = "local"

    def open(self, model: str, running: Running) -> Any:
        """The engine, for actors that open `model` as `running` says.

        Raises:
            UnknownName: no such engine.
        """
        from mirante.embeddings.local import LOCAL

        if self.engine not in ENGINES:
            raise UnknownName("engine", self.engine, ENGINES)
        if self.engine == "local":
            return LOCAL
        from mirante.embeddings.ray import Ray

        return Ray(running.opener(model), gpus=running.runtime == "torch" and running.device != "cpu")


@verb
def embed(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    model: Annotated[str, typer.Option(help=text("cli.model"))],
    out: Annotated[Path, typer.Option(help=text("cli.out-embeddings"))],
    reading: Reading,
    running: Running,
    output: Output,
    working: Working,
) -> None:
    """Embed every split asked for; the same call again goes on where it stopped."""
    from mirante import embeddings
    from mirante.datasets import open_dataset

    options, engine = reading.options(), working.open(model, running)
    settings = embeddings.Settings(language=options.language, limit=working.limit, cache=not working.no_cache)
    done = embeddings.embed(open_dataset(data, options), running.load(model), out, settings, engine=engine)
    output.document(done.to_dict())
    output.say("cli.embedded", out=done.out, seconds=done.seconds, rate=done.rate, **done.images)
    for image, reason in done.unreadable.items():
        output.say("cli.unreadable", id=image, reason=reason)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("embed", help=text("cli.embed"))(embed)
