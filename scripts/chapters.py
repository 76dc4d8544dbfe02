"""The guide's chapters as notebooks: made, run, and their printed outputs compared with what the pages say.

A chapter of `docs/guide/` is a Jupytext source in Markdown: each ```python fence is a cell, and so is each ```console
fence, of which the lines after `$ ` run in bash (`no-run` ones stay text). An ```output fence after a cell holds what
it prints: words are compared exactly, numbers to two per cent or to a unit of their last digit. Each chapter runs in an
empty folder of its own, Portuguese after English.

    python scripts/chapters.py [--write] [--notebooks FOLDER] [NAME ...]

`--write` puts what was printed into the pages' `output` fences; `--notebooks` writes the notebooks and runs nothing.
"""

import argparse
import base64
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jupytext
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import mirante
from _pages import DOCS, LINK, OTHER_LANGUAGE, SUFFIXES, Fence, fences, language

GUIDE = DOCS / "guide"
CELL_SECONDS = 900
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
BOLD = re.compile(r"\x1b\[[\d;]*m")
"""What a terminal takes for bold and colours: a kernel asks its programs for them."""
SETUP = """\
import importlib.util, os, subprocess, sys

if importlib.util.find_spec("mirante") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "mirante[all]=={version}"], check=True)
programs = os.path.dirname(sys.executable)
os.environ.update(MIRANTE_LANG="{lang}", COLUMNS="100", PATH=programs + os.pathsep + os.environ["PATH"])"""
HEAD = "---\njupyter:\n  kernelspec: {name: python3, display_name: Python 3, language: python}\n---\n\n"


def chapters(names: Sequence[str] = ()) -> list[Path]:
    """The English pages of the guide with at least one cell, by name; only those of `names` if any are given."""
    found = [path for path in sorted(GUIDE.glob("*.md")) if language(path) == "en" and any(cells(path))]
    return [path for path in found if not names or path.stem in names]


def cells(path: Path) -> Iterator[tuple[Fence, Fence | None]]:
    """Each cell of a page, with the output fence that follows it, if one does."""
    pending: Fence | None = None
    for fence in fences(path.read_text(encoding="utf-8"), path.name):
        if pending and fence.info == ("output",):
            yield pending, fence
            pending = None
            continue
        if pending:
            yield pending, None
        pending = fence if fence.info in {("python",), ("console",)} else None
    if pending:
        yield pending, None


def code(fence: Fence) -> str:
    """The source of a cell."""
    if fence.info == ("python",):
        return "\n".join(fence.lines)
    lines = [line.removeprefix("$ ") for line in fence.lines]
    return "\n".join(["%%script bash -e", *lines])


def notebook(path: Path) -> Any:
    """The notebook of a page, without outputs: what Jupytext makes of it once its commands are cells."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for fence, output in reversed(list(cells(path))):
        last = output.last if output else fence.last
        lines[fence.first - 1 : last] = ["```python", *code(fence).splitlines(), "```"]
    first, rest = "\n".join(OTHER_LANGUAGE.sub("", "\n".join(lines)).splitlines()).split("\n", 1)
    setup = SETUP.format(version=mirante.__version__, lang="pt" if language(path) == "pt-BR" else "en")
    body = f"{HEAD}{first}\n\n```python\n{setup}\n```\n{rest}\n"
    made = jupytext.reads(LINK.sub(lambda found: _alone(found, path), body), fmt="md")
    for cell in made.cells:
        cell.pop("id", None)
    made.nbformat_minor = 4
    return made


def _alone(found: re.Match[str], path: Path) -> str:
    """A link or picture as it stands in a notebook, which has no files beside it."""
    target = found["target"]
    if re.match(r"[a-z]+:|#", target):
        return found[0]
    if not found["picture"]:
        return found["text"]
    picture = base64.b64encode((path.parent / target).read_bytes()).decode("ascii")
    return f"![{found['text']}](data:image/png;base64,{picture})"


def run(path: Path, folder: Path) -> list[str]:
    """What each cell of a page printed to standard output, by cell, run in `folder`.

    Raises:
        CellExecutionError: a cell failed.
    """
    made = notebook(path)
    client = NotebookClient(made, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}})
    client.execute(env={**os.environ, "MPLBACKEND": "agg"})
    ran = [cell for cell in made.cells if cell.cell_type == "code"][1:]
    return [BOLD.sub("", "".join(_printed(cell.outputs))) for cell in ran]


def _printed(outputs: Sequence[Any]) -> Iterator[str]:
    for output in outputs:
        if output.output_type == "stream" and output.name == "stdout":
            yield output.text
        elif output.output_type == "execute_result":
            yield output.data["text/plain"] + "\n"


def same(told: str, printed: str) -> bool:
    """Whether two outputs have the same words and, within the tolerance, the same numbers."""
    if NUMBER.sub("#", told).split() != NUMBER.sub("#", printed).split():
        return False
    return all(_near(*pair) for pair in zip(NUMBER.findall(told), NUMBER.findall(printed), strict=True))


def _near(told: str, printed: str) -> bool:
    one, other = (float(text.replace(",", ".")) for text in (told, printed))
    digits = len(re.split(r"[.,]", told)[1]) if re.search(r"[.,]", told) else 0
    unit = 10.0**-digits if digits else 0.0
    return abs(one - other) <= max(0.02 * max(one, other), unit) + 1e-9


def compare(path: Path, printed: Sequence[str]) -> list[str]:
    """What is wrong with the outputs that a page tells, one message each."""
    wrong = []
    for (fence, output), out in zip(cells(path), printed, strict=True):
        if output and not same("\n".join(output.lines), out):
            wrong.append(f"{path.name}:{output.first}: the cell at line {fence.first} prints\n{out}")
    return wrong


def write(path: Path, printed: Sequence[str]) -> None:
    """Put what was printed into the output fences of a page, where it differs."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for (_, output), out in reversed(list(zip(cells(path), printed, strict=True))):
        if output and not same("\n".join(output.lines), out):
            lines[output.first : output.last - 1] = [line.rstrip() for line in out.strip("\n").splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def check(path: Path, *, into: bool) -> list[str]:
    """Run a chapter in both languages; with `into` write its outputs, else what is wrong with them."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in SUFFIXES.values():
            page, start = path.with_name(path.stem + suffix), time.monotonic()
            try:
                printed = run(page, Path(folder))
            except CellExecutionError as error:
                wrong.append(f"{page.name}: {error}")
                continue
            print(f"{page.name}: {time.monotonic() - start:.0f} s", flush=True)
            if into:
                write(page, printed)
            wrong += compare(page, printed)
    return wrong


def main() -> int:
    """Run the chapters or write their notebooks; 1 when one does not say what it prints."""
    parser = argparse.ArgumentParser(description="The guide's chapters as notebooks.")
    parser.add_argument("--write", action="store_true", help="put what was printed into the pages")
    parser.add_argument("--notebooks", type=Path, metavar="FOLDER", help="write the notebooks here, run nothing")
    parser.add_argument("names", nargs="*", help="chapters, e.g. metrics; all unless given")
    options = parser.parse_args()
    found = chapters(options.names)
    if missing := set(options.names) - {path.stem for path in found}:
        raise SystemExit(f"The guide has no chapter {sorted(missing)[0]!r} with cells.")
    if options.notebooks:
        options.notebooks.mkdir(parents=True, exist_ok=True)
        for path in found:
            for suffix in SUFFIXES.values():
                name = (path.stem + suffix).removesuffix(".md") + ".ipynb"
                jupytext.write(notebook(path.with_name(path.stem + suffix)), options.notebooks / name)
        return 0
    wrong = [line for path in found for line in check(path, into=options.write)]
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
