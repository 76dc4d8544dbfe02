"""Every text that a user reads on the command line, in reports and on the page, in English and Portuguese.

The catalogue is the `*.toml` files of this package, one per area: `[key] en = "…" pt = "…"`. The key of a text is
`area.key`. A test fails when a language is missing or the placeholders differ.
"""

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from numbers import Number
from string import Formatter
from typing import Any

from mirante.errors import UnknownName

LANGUAGES = ("en", "pt")
PORTUGUESE = str.maketrans(",.", ".,")
"""Signs of English numbers → those of Portuguese ones."""


class _Portuguese(Formatter):
    """Numbers that a template gives a form, as `{count:,}` and `{share:.1f}`, get Portuguese signs."""

    def format_field(self, value: Any, form: str) -> str:
        written: str = super().format_field(value, form)
        return written.translate(PORTUGUESE) if form and isinstance(value, Number) else written


FORMATTERS: Mapping[str, Formatter] = {"en": Formatter(), "pt": _Portuguese()}


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """`area.key` → language → text."""
    found: dict[str, dict[str, str]] = {}
    for resource in sorted(files(__package__).iterdir(), key=lambda one: one.name):
        if resource.name.endswith(".toml"):
            area = resource.name.removesuffix(".toml")
            texts = tomllib.loads(resource.read_text(encoding="utf-8"))
            found.update({f"{area}.{key}": by_language for key, by_language in texts.items()})
    return found


def language(wanted: str | None = None) -> str:
    """The catalogue's language for a tag such as `"pt_BR"`; else `MIRANTE_LANG`, the locale, then English."""
    for tag in (wanted, os.environ.get("MIRANTE_LANG"), os.environ.get("LC_ALL"), os.environ.get("LANG")):
        if tag and tag[:2].lower() in LANGUAGES:
            return tag[:2].lower()
    return LANGUAGES[0]


def text(key: str, lang: str | None = None, /, **values: object) -> str:
    """The text of `area.key` in `lang`, with `{placeholders}` filled.

    Raises:
        UnknownName: no such key.
    """
    by_language = catalogue().get(key)
    if by_language is None:
        raise UnknownName("message", key, catalogue())
    written = language(lang)
    return FORMATTERS[written].format(by_language[written], **values)
