"""Captions in a `.txt` beside each picture: one a line, or Tux Paint's form with one line per language.

Tux Paint (`docs/en/EXTENDING.txt` of its source): the first line is English, later ones are `pt_BR.utf8=Uma
abelha.`; a side-car describes a stamp, and `_mirror`, `_flip` drawings are variants of it without one.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from mirante.datasets._captions import Tagged, language_tag
from mirante.errors import DataError

_LINE = re.compile(r"([a-z]{2,3}(?:_[A-Za-z]{2,4})?(?:@[a-z]+)?)\.utf-?8=(.*)", re.IGNORECASE)


def is_multilingual(files: Iterable[Path]) -> bool:
    """Whether one of the side-cars has a line in Tux Paint's form."""
    return any(_LINE.match(line) for file in files for line in _lines(file))


def texts_in(file: Path, *, multilingual: bool) -> list[Tagged]:
    """The captions of a side-car; in Tux Paint's form each has a language, and lines of no known form are left out."""
    lines = _lines(file)
    if not multilingual:
        return [(line, "") for line in lines]
    found = [(match.group(2), language_tag(match.group(1))) for line in lines[1:] if (match := _LINE.match(line))]
    return [(line, "en") for line in lines[:1] if not _LINE.match(line)] + found


def _lines(file: Path) -> list[str]:
    """Lines as UTF-8; a line that is not stays out, unless the whole file is in a Latin encoding."""
    try:
        raw = file.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as error:
        raise DataError(f"Cannot read the captions in {str(file)!r}: {error.strerror}. Check its rights.") from error
    return [text for text in map(_text, raw) if text is not None]


def _text(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None if b"=" in line else line.decode("cp1252", "replace")
