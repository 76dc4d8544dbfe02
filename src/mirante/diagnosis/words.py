"""A diagnosis in words, for people: the worst of each finding, with the ids to look at."""

from collections.abc import Iterator, Sequence

from mirante.diagnosis.agreement import Agreement
from mirante.diagnosis.diagnose import Diagnosis
from mirante.diagnosis.examine import Examination
from mirante.diagnosis.saved import Look
from mirante.messages import text

SHOWN = 5
"""Findings of a kind named one by one; JSON names all."""


_SIGNS = {"equal": "=", "near copy": "≈"}


def describe(found: Examination, lang: str | None = None) -> Iterator[str]:
    """The findings as lines in English or Portuguese (`lang`, else the user's language)."""
    diagnosis = found.diagnosis
    yield from _texts(diagnosis, lang)
    for leak in found.near_leaks:
        first, second = leak.splits
        yield text("inspect.near_leak", lang, count=leak.images, first=first, second=second)
        yield from _named([" ≈ ".join(pair) for pair in leak.pairs], lang)
    if groups := diagnosis.duplicates:
        count = sum(len(group) - 1 for group in groups)
        yield text("inspect.near_duplicates", lang, count=count)
        yield from _named([" ≈ ".join(group[:3]) for group in groups], lang)
    for language, one in diagnosis.agreement.items():
        yield from _agreement(diagnosis, language, one, lang)


def describe_look(look: Look, lang: str | None = None) -> Iterator[str]:
    """What was found of the training data of some models among what is measured, and the pairs."""
    leaks = look.leaks
    yield summary(look, lang)
    yield from _named([f"{one.asked} {_SIGNS[one.reason]} {one.known}" for one in leaks.pairs], lang)


def summary(look: Look, lang: str | None = None) -> str:
    """The same in one sentence."""
    leaks = look.leaks
    names = {"known": leaks.known, "asked": leaks.asked}
    if look.problem:
        return text("leaks.unopened", lang, models=", ".join(look.models), problem=look.problem, **names)
    if not leaks.pairs:
        return text("leaks.none" if leaks.near else "leaks.none_equal", lang, pictures=leaks.pictures, **names)
    counts = {
        "count": len(leaks.images),
        "pictures": leaks.pictures,
        "equal": leaks.count("equal"),
        "near": leaks.count("near copy"),
        "touched": len(leaks.touched),
        "captions": leaks.captions,
    }
    return text("leaks.found", lang, **counts, **names)


def _texts(found: Diagnosis, lang: str | None) -> Iterator[str]:
    if found.lengths:
        one = found.lengths
        values = {"least": one.least, "median": one.median, "high": one.high, "most": one.most}
        yield text("inspect.lengths", lang, **values)
        if one.long:
            yield text("inspect.long", lang, count=one.long)
    if found.languages:
        unknown = text("inspect.language_untold", lang)
        counted = ", ".join(f"{language or unknown} ({count:,})" for language, count in found.languages.items())
        yield text("inspect.guessed", lang, languages=counted)
    if found.foreign:
        yield text("inspect.foreign", lang, count=len(found.foreign))
        yield from _named([f"{one.caption} [{one.guessed}] {one.text}" for one in found.foreign], lang)
    if found.repeated:
        count = sum(len(one.captions) for one in found.repeated)
        yield text("inspect.repeated", lang, count=count, texts=len(found.repeated))
        yield from _named([f"{len(one.captions):,} × {one.text}" for one in found.repeated], lang)
    if found.listed:
        parted = sum(one.parted for one in found.listed)
        yield text("inspect.listed", lang, count=len(found.listed), parted=parted)
        yield from _named([f"{one.caption} {one.text}" for one in found.listed], lang)
    if found.class_like.found:
        yield text("inspect.class_like", lang, pictures=found.class_like.pictures, texts=found.class_like.texts)


def _agreement(diagnosis: Diagnosis, language: str, one: Agreement, lang: str | None) -> Iterator[str]:
    name = language or text("inspect.language_untold", lang)
    if one.wrong is None:
        yield text("inspect.cannot_tell", lang, language=name, telling=100 * one.telling)
        return
    values = {"language": name, "judged": one.judged, "count": len(one.doubts), "wrong": 100 * one.wrong}
    yield text("inspect.agreement", lang, **values)
    yield from _named([f"{doubt.caption} ({doubt.image}; {doubt.fits}?)" for doubt in one.doubts], lang)


def _named(every: Sequence[str], lang: str | None) -> Iterator[str]:
    for one in every[:SHOWN]:
        yield f"  {one}"
    if len(every) > SHOWN:
        yield "  " + text("inspect.unreadable_more", lang, count=len(every) - SHOWN)
