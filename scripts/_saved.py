"""Pages that a script writes in both languages from figures that it saved: written anew, or checked.

    python scripts/x_results.py            measures, saves the figures and writes the pages
    python scripts/x_results.py --pages    writes the pages from the saved figures, and measures nothing
    python scripts/x_results.py --check    says whether the pages are what the saved figures make, and writes nothing

The figures are JSON beside the pages.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

import _pages

LANGUAGES = ("en", "pt")
ENDS = re.compile(r"\[([-+−]?\d[\d.]*), ([-+−]?\d[\d.]*)\]")
NUMBER = re.compile(r"(?<=\d)[.,](?=\d)")


def add_options(parser: argparse.ArgumentParser, word: str = "--pages") -> None:
    """The two options that measure nothing."""
    parser.add_argument(word, action="store_true", help="measure nothing; write from the saved figures")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is not current")


def twins(folder: Path, name: str) -> dict[str, Path]:
    """Language → file of a page."""
    return {"en": folder / f"{name}.md", "pt": folder / f"{name}.pt-BR.md"}


def settle(pages: Mapping[Path, str], *, check: bool, script: str, option: str = "--pages") -> int:
    """Write pages; or with `check` say which are not current, 1 when one is not."""
    return _pages.settle(pages, check=check, source="the saved figures say", again=f"{script} {option}")


def head(title: str, name: str, lang: str) -> str:
    """Title and link to the page's twin."""
    return f"# {title}\n\n{_pages.link(name, lang)}\n"


def numbers(text: str, lang: str) -> str:
    """`text` with its numbers as `lang` writes them, code left alone: 1,234.5 is 1.234,5, [1.5, 2] is [1,5; 2]."""
    if lang == "en":
        return text
    parts = _pages.CODE.split(text)
    return "".join(part if part.startswith("`") else NUMBER.sub(_other, ENDS.sub(r"[\1; \2]", part)) for part in parts)


def _other(found: re.Match[str]) -> str:
    return "." if found.group() == "," else ","
