"""`mirante search`: the best entries of an index for a text, a picture, or a sum of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirante.cli.options import Output, Running, verb
from mirante.errors import UsageError
from mirante.messages import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirante.search import Hit
    from mirante.types import Query


@dataclass(frozen=True)
class Asking:
    """What is added to the words of a query."""

    image: Annotated[list[Path] | None, typer.Option(help=text("cli.query-image"))] = None
    plus: Annotated[list[str] | None, typer.Option(help=text("cli.plus"))] = None
    minus: Annotated[list[str] | None, typer.Option(help=text("cli.minus"))] = None
    where: Annotated[list[str] | None, typer.Option(help=text("cli.where"))] = None

    def query(self, words: str | None) -> "Query":
        """The whole query.

        Raises:
            UsageError: a filter is not KEY=VALUE, or nothing is asked.
        """
        from mirante import pixels
        from mirante.search import parse_terms
        from mirante.types import Query

        pictures = [pixels.read_file(path) for path in self.image or []]
        wanted: dict[str, str] = {}
        for one in self.where or []:
            key, equals, value = one.partition("=")
            if not equals or not key:
                raise UsageError(f"--where {one!r} is no filter: write KEY=VALUE.")
            wanted[key] = value
        return Query(parse_terms(words, pictures, plus=self.plus or (), minus=self.minus or ()), wanted)


@verb
def search(
    index: Annotated[Path, typer.Argument(help=text("cli.search-index"))],
    asking: Asking,
    running: Running,
    output: Output,
    words: Annotated[str | None, typer.Argument(help=text("cli.query"))] = None,
    k: Annotated[int, typer.Option("-k", min=1, help=text("cli.k"))] = 10,
    model: Annotated[str | None, typer.Option(help=text("cli.search-model"))] = None,
) -> None:
    """Search an index with the model that made it."""
    from mirante import search as searching

    gallery = searching.Gallery.open(index / "index" if (index / "index" / "index.json").is_file() else index)
    address = model or gallery.provenance.model
    hits = searching.search(gallery, running.load(address), asking.query(words), k)
    nothing = searching.nothing_matches(gallery, hits)
    document = {"hits": [hit.to_dict() for hit in hits], "nothing_matches": nothing}
    output.document({"schema": 1, **document, "index": str(index), "model": address})
    if nothing:
        output.say("classify.nothing-matches")
    _show(hits, output)


def _show(hits: "Sequence[Hit]", output: Output) -> None:
    calibrated = any(hit.relevance is not None for hit in hits)
    head = [text("cli.column-id"), text("cli.column-score"), text("cli.column-captions")]
    rows = [[hit.id, f"{hit.score:.3f}", " · ".join(hit.captions[:2])] for hit in hits]
    if calibrated:
        head.insert(2, text("classify.column-relevance"))
        for row, hit in zip(rows, hits, strict=True):
            row.insert(2, f"{100 * (hit.relevance or 0):.0f} %")
    output.table(head, rows)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("search", help=text("cli.search"))(search)
