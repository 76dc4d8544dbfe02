"""Write the table of `docs/topics/datasets*.md` from what the readers know, or check it."""

import sys
from collections.abc import Iterator
from pathlib import Path

from _written import Written
from mirante.datasets import Published, every_published, holds, size
from mirante.messages import text

DOCS = Path(__file__).resolve().parents[1] / "docs" / "topics"
PAGES = {"en": DOCS / "datasets.md", "pt": DOCS / "datasets.pt-BR.md"}
HEAD = ("address", "title", "holds", "layout", "columns", "size", "licence", "source", "protocol")


def table(lang: str) -> str:
    """The table in Markdown, one row a data set."""
    return "\n".join(lines(lang))


def lines(lang: str) -> Iterator[str]:
    """Head, rule and rows."""
    yield "| " + " | ".join(text(f"published.head_{name}", lang) for name in HEAD) + " |"
    yield "|" + "---|" * len(HEAD)
    for one in every_published():
        yield "| " + " | ".join(cells(one, lang)) + " |"


def cells(one: Published, lang: str) -> list[str]:
    """The cells of one row."""
    amount = size(one.bytes, comma=lang == "pt")
    if any(part.bytes is None for part in one.downloads):
        amount += " + ?"
    return [
        f"`{one.name}`",
        f"[{one.title}]({one.homepage})",
        holds(one, lang),
        "<br>".join(f"`{path}`" for path in one.layout),
        "<br>".join(f"`{field}`" for field in one.columns.values()),
        f"{amount}: " + ", ".join(f"[{part.what}]({part.address})" for part in one.downloads),
        one.licence.words(lang),
        one.citation,
        f"`{one.protocol}`" if one.protocol else "",
    ]


WRITTEN = Written(PAGES, table, Path(__file__), "the readers know")

if __name__ == "__main__":
    sys.exit(WRITTEN.main(__doc__))
