"""Google docstrings taken apart: paragraphs, and what stands under `Args`, `Returns` and `Raises`."""

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SECTIONS = ("Args", "Returns", "Raises")
ENTRY = re.compile(r"(?P<name>\*{0,2}[\w.]+(?:, [\w.]+)*): (?P<text>.*)")


@dataclass(frozen=True)
class Docstring:
    """What a docstring says.

    Args:
        paragraphs: of prose, each on one line; code between three backticks keeps its lines.
        args: name → what it is.
        raises: error → when.
        returns: what comes back, empty where that is not said.
    """

    paragraphs: tuple[str, ...]
    args: Mapping[str, str] = field(default_factory=dict)
    raises: Mapping[str, str] = field(default_factory=dict)
    returns: str = ""


def parse(text: str | None, where: str) -> Docstring:
    """Take `text` apart; `where` names its owner.

    Raises:
        SystemExit: there is no docstring.
    """
    if not text:
        raise SystemExit(f"{where} has no docstring: write one.")
    blocks: dict[str, list[str]] = {"": [], **{name: [] for name in SECTIONS}}
    at = ""
    for line in inspect.cleandoc(text).splitlines():
        if line.removesuffix(":") in SECTIONS and line.endswith(":"):
            at = line.removesuffix(":")
        else:
            at = "" if line and not line.startswith(" ") else at
            blocks[at].append(line)
    prose = re.split(r"\n\s*\n", "\n".join(blocks[""]).strip())
    return Docstring(
        tuple(" ".join(one.split()) for one in prose if one),
        entries(blocks["Args"]),
        entries(blocks["Raises"]),
        " ".join(" ".join(blocks["Returns"]).split()),
    )


def entries(lines: list[str]) -> dict[str, str]:
    """`name: text` of the lines of a section; a deeper line goes on with the one before."""
    found: dict[str, str] = {}
    name = ""
    for line in filter(str.strip, lines):
        match = ENTRY.fullmatch(line.strip()) if not line.startswith(" " * 5) else None
        if match:
            name = match["name"]
            found[name] = match["text"]
        else:
            found[name] += " " + line.strip()
    return found


def summary(path: Path) -> str:
    """The first paragraph of a module's docstring, read without importing it."""
    return parse(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), str(path)).paragraphs[0]
