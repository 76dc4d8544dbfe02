"""Write the table of `docs/datasets.md` and `docs/datasets.pt-BR.md` from what the readers know, or check it."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from mirante.datasets import Published, every_published, holds, size
from mirante.messages import text

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {"en": DOCS / "datasets.md", "pt": DOCS / "datasets.pt-BR.md"}
START, END = "<!-- table: written by scripts/datasets_page.py -->", "<!-- end of the table -->"
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


def page(lang: str) -> str:
    """The page as it is, with its table written anew."""
    before, rest = PAGES[lang].read_text(encoding="utf-8").split(START)
    return f"{before}{START}\n\n{table(lang)}\n\n{END}{rest.split(END)[1]}"


def main() -> int:
    """Write the pages; or with `--check` say whether they are current, 1 when one is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is not current")
    check = parser.parse_args().check
    stale = [path for lang, path in PAGES.items() if path.read_text(encoding="utf-8") != page(lang)]
    for lang, path in PAGES.items():
        if not check:
            path.write_text(page(lang), encoding="utf-8")
    if stale and check:
        print(f"Not what the readers know: {', '.join(map(str, stale))}. Run {Path(__file__).name}.", file=sys.stderr)
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
