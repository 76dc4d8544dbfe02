"""The pages of `docs/`: which there are, in which language, what stands in their fences, and how scripts write them."""

import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SUFFIXES = {"en": ".md", "pt-BR": ".pt-BR.md"}
ENGLISH_ONLY = ("decisions",)
"""Folders for those who build Mirante; they are no part of the site."""

MARKS = re.compile(r"^(?P<indent>\s*)(?P<marks>`{3,})(?P<info>[^`]*)$")
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"(``.+?``|`[^`]*`)")
NO_BREAK = "\0"
OTHER_LANGUAGE = re.compile(r"^\*\[(?:Em português|In English)\]\([^)]+\)\*\n+", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """One fenced block.

    Args:
        info: words after the opening marks, e.g. `("console", "no-run")`.
        lines: what stands between the marks.
        first: number of the opening line, from 1.
        last: number of the closing line.
    """

    info: tuple[str, ...]
    lines: tuple[str, ...]
    first: int
    last: int


def pages(lang: str) -> list[Path]:
    """The pages of the site in one language, by path."""
    found = [path for path in sorted(DOCS.rglob("*.md")) if path.relative_to(DOCS).parts[0] not in ENGLISH_ONLY]
    return [path for path in found if language(path) == lang]


def language(path: Path) -> str:
    """The language of a page, by its name."""
    return "pt-BR" if path.name.endswith(SUFFIXES["pt-BR"]) else "en"


def twin(path: Path) -> Path:
    """The same page in the other language."""
    ours, other = (SUFFIXES[one] for one in (("en", "pt-BR") if language(path) == "en" else ("pt-BR", "en")))
    return path.with_name(path.name.removesuffix(ours) + other)


def fences(markdown: str, name: str) -> Iterator[Fence]:
    """The fenced blocks of a page in order; `name` is the file's, for messages.

    Raises:
        SystemExit: a fence is never closed.
    """
    opened: tuple[str, tuple[str, ...], int] | None = None
    lines: list[str] = []
    for number, line in enumerate(markdown.splitlines(), start=1):
        found = MARKS.match(line)
        if opened is None:
            if found:
                opened, lines = (found["marks"], tuple(found["info"].split()), number), []
        elif found and found["marks"].startswith(opened[0]) and not found["info"].strip():
            yield Fence(opened[1], tuple(lines), opened[2], number)
            opened = None
        else:
            lines.append(line)
    if opened:
        raise SystemExit(f"{name}: a fence is never closed: add {opened[0]}.")


def prose(markdown: str, name: str) -> str:
    """The page with its fences emptied, line for line."""
    lines = markdown.splitlines()
    for fence in fences(markdown, name):
        lines[fence.first - 1 : fence.last] = [""] * (fence.last - fence.first + 1)
    return "\n".join(lines)


def link(name: str, lang: str) -> str:
    """The line of a page, `name` without its ending, that leads to its twin; `lang` is `"en"` or `"pt"`."""
    return f"*[Em português]({name}.pt-BR.md)*" if lang == "en" else f"*[In English]({name}.md)*"


def paragraph(text: str) -> str:
    """`text` in lines of at most 120 characters, no code broken over two."""
    whole = CODE.sub(lambda code: code.group().replace(" ", NO_BREAK), " ".join(text.split()))
    return textwrap.fill(whole, 120, break_long_words=False, break_on_hyphens=False).replace(NO_BREAK, " ")


def settle(pages: Mapping[Path, str], *, check: bool, source: str, again: str) -> int:
    """Write what pages should hold; or with `check` say which do not, 1 when one does not.

    Args:
        pages: file → its text.
        check: write nothing.
        source: who knows what they should hold, e.g. `"the code says"`, for the message.
        again: the command that writes them, for the message.
    """
    stale = [path for path, page in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != page]
    if check and stale:
        print(f"Not what {source}: {', '.join(map(str, stale))}. Run {again}.", file=sys.stderr)
        return 1
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
    return 0
