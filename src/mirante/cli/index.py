"""`mirante index`: a searchable index over a folder of embeddings, or over a data set that is embedded first."""

from pathlib import Path
from typing import Annotated

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.errors import UsageError
from mirante.messages import text


@verb
def index(
    source: Annotated[str, typer.Argument(help=text("cli.index-source"))],
    reading: Reading,
    running: Running,
    output: Output,
    kind: Annotated[str, typer.Option(help=text("cli.kind"))] = "exact",
    model: Annotated[str | None, typer.Option(help=text("cli.index-model"))] = None,
    out: Annotated[Path | None, typer.Option(help=text("cli.out-index"))] = None,
) -> None:
    """Build an index; with `--model` the source is a data set and its embeddings are kept beside the index."""
    from mirante import embeddings, indexes, pipeline
    from mirante.datasets import open_dataset
    from mirante.errors import UnknownName

    if kind not in indexes.kinds():
        raise UnknownName("kind of index", kind, indexes.kinds())
    folder = Path(source)
    if model is not None:
        if out is None:
            raise UsageError("--model needs --out: the folder where the embeddings and the index are to lie.")
        options = reading.options()
        settings = embeddings.Settings(language=options.language)
        embeddings.embed(open_dataset(source, options), running.load(model), out, settings)
        folder = out
    elif not (folder / "manifest.json").is_file():
        raise UsageError(f"{source!r} holds no embeddings: run `mirante embed` first, or give --model and --out.")
    target = folder / "index" if out is None or out == folder else out
    gallery = pipeline.index(folder, kind, target)
    described = {
        "schema": 1,
        "index": str(target),
        "kind": kind,
        "count": len(gallery),
        "model": gallery.provenance.model,
    }
    output.document(described)
    output.say("cli.indexed", out=target, count=len(gallery), kind=kind)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("index", help=text("cli.index"))(index)
