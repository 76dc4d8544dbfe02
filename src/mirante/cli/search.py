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

    from mirante.rerankers import Reranker
    from mirante.retrieval import Found, Pictures
    from mirante.search import Gallery
    from mirante.types import Encoder, Query


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
        return Query(parse_terms(words, pictures, plus=self.plus or (), minus=self.minus or ()), filters(self.where))


@dataclass(frozen=True)
class LookingAgain:
    """What orders the first answers anew."""

    rerank: Annotated[list[str] | None, typer.Option(metavar="KIND[:ADDRESS]", help=text("ask.rerank"))] = None
    rerank_depth: Annotated[int, typer.Option(min=1, help=text("ask.rerank-depth"))] = 20
    pictures: Annotated[str | None, typer.Option(metavar="DATA", help=text("ask.pictures"))] = None

    def open(self, encoder: "Encoder") -> "tuple[tuple[Reranker, ...], Pictures | None]":
        """The re-rankers, and what loads pictures where the index has no paths.

        Raises:
            UnknownName: no such kind of re-ranker.
            UsageError: an address is wrong, or a re-ranker was made for another base.
        """
        from mirante import rerankers
        from mirante.datasets import open_dataset
        from mirante.retrieval import pictures_of

        chain = rerankers.chain(self.rerank or (), encoder)
        return chain, pictures_of(open_dataset(self.pictures)) if self.pictures else None


def filters(given: "Sequence[str] | None") -> dict[str, str]:
    """Metadata field → wanted value.

    Raises:
        UsageError: one is not KEY=VALUE.
    """
    wanted: dict[str, str] = {}
    for one in given or []:
        key, equals, value = one.partition("=")
        if not equals or not key:
            raise UsageError(f"--where {one!r} is no filter: write KEY=VALUE.")
        wanted[key] = value
    return wanted


def opened(index: Path) -> "Gallery":
    """The gallery in a folder, or in its sub-folder `index`.

    Raises:
        StoreError: there is none, or it is damaged.
    """
    from mirante.search import Gallery

    return Gallery.open(index / "index" if (index / "index" / "index.json").is_file() else index)


@verb
def search(
    index: Annotated[Path, typer.Argument(help=text("cli.search-index"))],
    asking: Asking,
    again: LookingAgain,
    running: Running,
    output: Output,
    words: Annotated[str | None, typer.Argument(help=text("cli.query"))] = None,
    k: Annotated[int, typer.Option("-k", min=1, help=text("cli.k"))] = 10,
    model: Annotated[str | None, typer.Option(help=text("cli.search-model"))] = None,
) -> None:
    """Search an index with the model that made it."""
    from mirante.retrieval import retrieve

    gallery = opened(index)
    address = model or gallery.provenance.model
    query = asking.query(words)
    encoder = running.load(address)
    rerankers, pictures = again.open(encoder)
    found = retrieve(gallery, encoder, query, k, rerankers=rerankers, depth=again.rerank_depth, pictures=pictures)
    hits = [one.hit.to_dict() | ({"before": one.before} if rerankers else {}) for one in found]
    document = {"schema": 1, "hits": hits, "nothing_matches": found.nothing_matches}
    told = {"rerank": [one.name for one in rerankers], "depth": again.rerank_depth if rerankers else 0}
    output.document({**document, **told, "index": str(index), "model": address})
    if found.nothing_matches:
        output.say("classify.nothing-matches")
    _show(found, output, reranked=bool(rerankers))


def _show(found: "Sequence[Found]", output: Output, *, reranked: bool) -> None:
    calibrated = any(one.hit.relevance is not None for one in found)
    head = [text("cli.column-id"), text("cli.column-score")]
    rows = [[one.hit.id, f"{one.hit.score:.3f}"] for one in found]
    if calibrated:
        head.append(text("classify.column-relevance"))
        for row, one in zip(rows, found, strict=True):
            row.append(f"{100 * (one.hit.relevance or 0):.0f} %")
    if reranked:
        head.append(text("ask.column-before"))
        for row, one in zip(rows, found, strict=True):
            row.append(str(one.before))
    head.append(text("cli.column-captions"))
    output.table(head, [[*row, " · ".join(one.hit.captions[:2])] for row, one in zip(rows, found, strict=True)])


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("search", help=text("cli.search"))(search)
