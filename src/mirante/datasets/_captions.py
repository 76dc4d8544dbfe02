"""From a cell of a table to captions: lists, dictionaries by language, lists written as text."""

import ast
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

from mirante.types import Caption

Tagged: TypeAlias = tuple[str, str]
"""A text and its language tag (`""` where unknown)."""


class ListedText(str):
    """A text out of a list that was written as one text; else like any other."""

    __slots__ = ()


_KEYS = ("raw", "caption", "captions", "text", "sentence", "sentences")
_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{2,4})*(@[a-z]+)?\Z")
_SCRIPTS = {"latin": "Latn", "cyrillic": "Cyrl", "devanagari": "Deva", "euro": ""}


def is_tag(text: str) -> bool:
    """Whether `text` has the shape of a language tag such as `pt`, `pt_BR` or `sr@latin`."""
    return bool(_TAG.match(text))


@lru_cache(maxsize=1024)
def language_tag(text: str) -> str:
    """Write a tag in the manner of BCP 47: `pt_BR.utf8` → `pt-BR`, `sr@latin` → `sr-Latn`."""
    body, _, modifier = text.strip().partition("@")
    first, *rest = re.split(r"[-_]", body.partition(".")[0])
    parts = [first.lower()]
    parts += [one.upper() if len(one) == 2 else one.title() if len(one) == 4 else one.lower() for one in rest]
    if extra := _SCRIPTS.get(modifier, modifier):
        parts.insert(1 if len(extra) == 4 else len(parts), extra)
    return "-".join(parts)


@lru_cache(maxsize=4096)
def matches(tag: str, wanted: str) -> bool:
    """Whether `tag` lies in the range `wanted`: `pt` holds `pt-BR` (RFC 4647, basic filtering)."""
    have, want = language_tag(tag).lower(), language_tag(wanted).lower()
    return have == want or have.startswith(f"{want}-")


def texts_of(cell: Any, language: str = "") -> Iterator[Tagged]:
    """Every text in a cell, with its language: a string, a list, a list written as a string, or a dictionary.

    Dictionaries hold their text under `raw`, `caption`, `text`, …, or one text per language tag.
    """
    if isinstance(cell, str):
        listed = _written_list(cell)
        if listed is None:
            yield cell, language
        else:
            yield from ((ListedText(text), tag) for text, tag in texts_of(listed, language))
    elif isinstance(cell, list | tuple):
        for one in cell:
            yield from texts_of(one, language)
    elif isinstance(cell, dict):
        key = next((key for key in _KEYS if key in cell), None)
        if key is not None:
            yield from texts_of(cell[key], language)
        elif all(isinstance(one, str) and is_tag(one) for one in cell):
            for tag, one in cell.items():
                yield from texts_of(one, language_tag(tag))


def captions(image: str, texts: Iterable[Tagged], wanted: str | None = None) -> tuple[Caption, ...]:
    """Captions of the image with id `image`, empty ones dropped, in the language `wanted` where one is given.

    A caption keeps its id (`image#n`) whatever language is asked for. Texts without a tag are taken to be in the
    wanted language, unless the same image has tagged ones.
    """
    kept = [(" ".join(text.split()), tag, isinstance(text, ListedText)) for text, tag in texts]
    found = tuple(Caption(f"{image}#{n}", *said) for n, said in enumerate(said for said in kept if said[0]))
    if not wanted:
        return found
    if any(one.language for one in found):
        return tuple(one for one in found if one.language and matches(one.language, wanted))
    return tuple(replace(one, language=language_tag(wanted)) for one in found)


def _written_list(text: str) -> list[Any] | None:
    """The list that `text` writes in JSON, Python or numpy notation; None where it is plain text."""
    bare = text.strip()
    if not (bare.startswith("[") and bare.endswith("]")):
        return None
    try:
        found = json.loads(bare)
    except (ValueError, RecursionError):
        found = _python_list(bare)
    return found if isinstance(found, list) and all(isinstance(one, str | dict | list) for one in found) else None


def _python_list(text: str) -> Any:
    separated = re.sub(r"(?<=['\"])\s+(?=['\"])", ", ", text)  # numpy writes ['a' 'b'], which Python would join
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(separated)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
