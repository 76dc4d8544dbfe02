"""What `inspect` says of a published data set that is not on this machine: what to fetch, from where, how large."""

from collections.abc import Iterator
from typing import Any

from mirante.datasets._published import VARIABLE, Published, published, size
from mirante.errors import MissingData
from mirante.messages import language, text


def absent(error: MissingData) -> dict[str, Any]:
    """Plain values for JSON, `"schema": 1`, `"present": false`."""
    known = published(error.name)
    return {
        "schema": 1,
        "data": error.name,
        "present": False,
        "folder": error.folder,
        "missing": error.missing,
        "published": known.to_dict(),
    }


def describe_absent(error: MissingData, lang: str | None = None) -> str:
    """The same as lines in English or Portuguese (`lang`, else the user's language)."""
    return "\n".join(_lines(error, published(error.name), language(lang)))


def _lines(error: MissingData, known: Published, lang: str) -> Iterator[str]:
    comma = lang == "pt"
    yield text("published.absent", lang, title=known.title, name=known.name)
    yield text("published.missing", lang, missing=error.missing, folder=error.folder)
    yield text("published.download", lang, size=size(known.bytes, comma=comma))
    for one in known.downloads:
        amount = text("published.unknown_size", lang) if one.bytes is None else size(one.bytes, comma=comma)
        yield f"  {one.what} ({amount}): {one.address}"
    yield text("published.layout", lang, folder=error.folder)
    yield from (f"  {path}" for path in known.layout)
    yield text("published.licence", lang, licence=known.licence.words(lang))
    yield text("published.citation", lang, citation=known.citation, homepage=known.homepage)
    yield text("published.holds", lang, holds=holds(known, lang))
    yield text("published.elsewhere", lang, name=known.name, variable=VARIABLE)


def holds(known: Published, lang: str) -> str:
    """Splits, captions and languages in a few words."""
    comma = lang == "pt"
    parts = [f"{split} {_count(rows, comma=comma)}" for split, rows in known.splits.items()]
    if known.captions is not None:
        parts.append(text("published.captions", lang, count=_count(known.captions, comma=comma)))
    if known.asks:
        parts.append(text(f"published.asks_{known.asks}", lang))
    return "; ".join([*parts, ", ".join(known.languages)])


def _count(number: int, *, comma: bool) -> str:
    return f"{number:,}".replace(",", ".") if comma else f"{number:,}"
