"""Captions back into claims: the inverse of the grammar, in every wording that it has."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from types import MappingProxyType

from mirante.datasets.scenes import grammar
from mirante.datasets.scenes.claims import Claim, Group
from mirante.datasets.scenes.world import COLOURS, KINDS, MAX_COUNT, PATTERNS, SIZES
from mirante.errors import UnknownName


def read(text: str, language: str = "en") -> Claim | None:
    """What a caption in `"en"` or `"pt-BR"` claims; None where the grammar does not say so.

    >>> read("dois peixes vermelhos no mar", "pt-BR")
    Claim(groups=(Group(kind='fish', colour='red', size=None, pattern=None, count=2),), relation=None, background='sea')
    >>> read("um peixe azuis", "pt-BR") is None
    True

    Raises:
        UnknownName: no grammar of that language.
    """
    if language not in grammar.LANGUAGES:
        raise UnknownName("language of scenes", language, grammar.LANGUAGES)
    plain = " ".join(text.strip().rstrip(".").split())
    plain = plain[:1].lower() + plain[1:]
    for rest, background in _placed(plain, language):
        groups, relation = _related(rest, language)
        if groups:
            return Claim(groups, relation, background)
    return None


def _placed(text: str, language: str) -> Iterator[tuple[str, str | None]]:
    """The text without its place, and the place; at last the text as it is, for one that names none."""
    for background, wordings in grammar.places(language).items():
        for words in wordings:
            if text.endswith(f" {words}"):
                yield text.removesuffix(f" {words}"), background
            if text.startswith(f"{words}, "):
                yield text.removeprefix(f"{words}, "), background
    yield text, None


def _related(text: str, language: str) -> tuple[tuple[Group, ...], str | None]:
    """One group, or two and how the first stands to the second; none where the text is neither."""
    known = _groups(language)
    if text in known:
        return (known[text],), None
    for words, relation in grammar.joints(language):
        first, found, second = text.partition(f" {words} ")
        if found and first in known and second in known:
            return (known[first], known[second]), relation
    return (), None


@cache
def _groups(language: str) -> Mapping[str, Group]:
    """Every phrase of one group."""
    looks = product(
        (None, *KINDS), (None, *COLOURS), (None, *SIZES), (None, *PATTERNS[1:]), (None, *range(1, MAX_COUNT + 1))
    )
    return MappingProxyType({grammar.phrase(group, language): group for group in (Group(*look) for look in looks)})
