"""An inspection in words, for people."""

from collections.abc import Iterator, Mapping

from mirante.datasets._inspection import Inspection
from mirante.messages import text

SHOWN = 10
"""Unreadable pictures named one by one."""


def describe(found: Inspection, lang: str | None = None) -> str:
    """The findings as lines in English or Portuguese (`lang`, else the user's language)."""
    return "\n".join(_lines(found, lang))


def _lines(found: Inspection, lang: str | None) -> Iterator[str]:
    yield text("inspect.title", lang, data=found.name, revision=found.revision)
    yield text("inspect.counts", lang, images=found.images, captions=found.captions)
    for name, split in found.splits.items() if len(found.splits) > 1 else ():
        yield "  " + text("inspect.split", lang, split=name, images=split.images, captions=split.captions)
    yield text("inspect.columns", lang, columns=", ".join(f"{role} = {name}" for role, name in found.columns.items()))
    unknown = text("inspect.language_unknown", lang)
    languages = {tag or unknown: count for tag, count in found.languages.items()}
    if languages:
        yield text("inspect.languages", lang, languages=_counts(languages))
    yield from _flaws(found, lang)
    if found.ignored:
        yield text("inspect.ignored", lang, kinds=_counts(found.ignored))


def _flaws(found: Inspection, lang: str | None) -> Iterator[str]:
    if found.uncaptioned:
        yield text("inspect.uncaptioned", lang, count=found.uncaptioned)
    if found.duplicates:
        example = " = ".join(found.duplicates[0][:3])
        yield text("inspect.duplicates", lang, count=found.merged, example=example)
    if found.equal_captions:
        first = found.equal_captions[0]
        count, images = found.repeated_captions, len(first.images)
        yield text("inspect.equal_captions", lang, count=count, text=first.text, images=images)
    if found.unreadable:
        yield text("inspect.unreadable", lang, count=len(found.unreadable))
        for image, reason in list(found.unreadable.items())[:SHOWN]:
            yield f"  {image}: {text(f'inspect.reason_{reason}', lang)}"
        if len(found.unreadable) > SHOWN:
            yield "  " + text("inspect.unreadable_more", lang, count=len(found.unreadable) - SHOWN)
    for leak in found.leaks:
        first_split, second = leak.splits
        yield text("inspect.leak", lang, count=leak.images, first=first_split, second=second)
    if not (found.unreadable or found.duplicates or found.leaks):
        yield text("inspect.clean", lang)


def _counts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in numbers.items())
