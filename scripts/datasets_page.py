"""Write the tables of `docs/topics/datasets*.md` from what the readers know, or check it."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from _written import Written
from mirante.datasets import Published, every_published, holds, size
from mirante.messages import text

DOCS = Path(__file__).resolve().parents[1] / "docs" / "topics"
PAGES = {"en": DOCS / "datasets.md", "pt": DOCS / "datasets.pt-BR.md"}
TABLES = (
    ("address", "title", "holds", "licence", "source", "protocol"),
    ("address", "layout", "columns", "size"),
)
"""What each is, then what is read of it: all columns in one table would be too narrow to read."""


def tables(lang: str) -> str:
    """The tables in Markdown, one row a data set in each."""
    return "\n\n".join("\n".join(lines(head, lang)) for head in TABLES)


def lines(head: Sequence[str], lang: str) -> Iterator[str]:
    """Head, rule and rows of one table."""
    yield "| " + " | ".join(text(f"published.head_{name}", lang) for name in head) + " |"
    yield "|" + "---|" * len(head)
    for one in every_published():
        told = cells(one, lang)
        yield "| " + " | ".join(told[name] for name in head) + " |"


def cells(one: Published, lang: str) -> dict[str, str]:
    """The cells of one data set, by column."""
    amount = size(one.bytes, comma=lang == "pt")
    if any(part.bytes is None for part in one.downloads):
        amount += " + ?"
    return {
        "address": f"`{one.name}`",
        "title": f"[{one.title}]({one.homepage})",
        "holds": holds(one, lang),
        "layout": "<br>".join(f"`{path}`" for path in one.layout),
        "columns": "<br>".join(f"`{field}`" for field in one.columns.values()),
        "size": f"{amount}: " + ", ".join(f"[{part.what}]({part.address})" for part in one.downloads),
        "licence": one.licence.words(lang),
        "source": one.citation,
        "protocol": f"`{one.protocol}`" if one.protocol else "",
    }


WRITTEN = Written(PAGES, tables, Path(__file__), "the readers know")

if __name__ == "__main__":
    sys.exit(WRITTEN.main(__doc__))
