"""`mirante index`: a searchable index over a folder of embeddings, or over a data set that is embedded first."""

from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.errors import UsageError
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.indexes import Built


@verb
def index(
    source: Annotated[str, typer.Argument(help=text("cli.index-source"))],
    reading: Reading,
    running: Running,
    output: Output,
    kind: Annotated[str, typer.Option(help=text("cli.kind"))] = "exact",
    recall: Annotated[float | None, typer.Option(help=text("index.recall"))] = None,
    model: Annotated[str | None, typer.Option(help=text("cli.index-model"))] = None,
    out: Annotated[Path | None, typer.Option(help=text("cli.out-index"))] = None,
) -> None:
    """Build an index; with `--model` the source is a data set and its embeddings are kept beside the index."""
    from mirante import embeddings, indexes, pipeline
    from mirante.datasets import open_dataset
    from mirante.errors import UnknownName

    if kind not in (known := (indexes.AUTO, *indexes.kinds())):
        raise UnknownName("kind of index", kind, known)
    if recall is not None and not 0 < recall <= 1:
        raise UsageError(f"--recall {recall:g} cannot be reached: give one above 0 and at most 1, such as 0.98.")
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
    gallery, built = pipeline.index(folder, kind, target, recall=recall)
    described = {
        "schema": 1,
        "index": str(target),
        "kind": gallery.kind,
        "count": len(gallery),
        "model": gallery.provenance.model,
        "choice": asdict(built.choice),
        "attempts": [asdict(one) for one in built.attempts],
        "described": gallery.manifest.index,
    }
    if not output.document(described):
        _tell(built, output)
    output.say("cli.indexed", out=target, count=len(gallery), kind=gallery.kind)


def _tell(built: "Built", output: Output) -> None:
    """Why this kind, what was tried before it, and how well it answers."""
    choice = built.choice
    sizes = {"rows": choice.rows, "dim": choice.dim, "mb": choice.needed / 1e6, "memory": choice.memory / 1e6}
    if choice.reason != "asked":
        output.say(f"index.chosen-{choice.reason}", kind=choice.kinds[0], **sizes)
    for one, following in pairwise(built.attempts):
        tuned = one.tuned
        figures = {"recall": tuned.recall, "target": tuned.target, "ms": tuned.milliseconds} if tuned else {}
        output.say(f"index.missed-{one.missed}", kind=one.kind, other=following.kind, **figures)
    if tuned := built.attempts[-1].tuned:
        low, high = 100 * tuned.low, 100 * tuned.high
        key = "index.measured-captions" if tuned.source == "captions" else "index.measured-rows"
        measured = {"recall": 100 * tuned.recall, "low": low, "high": high, "ms": tuned.milliseconds}
        output.say(key, k=tuned.k, queries=tuned.queries, **measured)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("index", help=text("cli.index"))(index)
