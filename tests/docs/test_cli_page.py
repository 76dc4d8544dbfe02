"""Every verb and every option of the command line stands in its section of the page, in both languages."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from _pages import DOCS
from mirante.cli import app


def names(parameter: Any) -> list[str]:
    """As the page writes them: an argument by its own name, or the one that people are shown."""
    return [parameter.metavar] if parameter.param_type_name == "argument" and parameter.metavar else parameter.opts


def verbs(command: Any, path: str) -> Iterator[tuple[str, list[str]]]:
    """Each verb with the names of its options and arguments."""
    yield path, [name for one in command.params for name in names(one) if name != "--help"]
    for name, below in getattr(command, "commands", {}).items():
        yield from verbs(below, f"{path} {name}")


VERBS = dict(verbs(typer.main.get_command(app), "mirante"))


def test_the_command_line_was_read() -> None:
    assert len(VERBS) > 25
    assert "--rerank" in VERBS["mirante evaluate"]


@pytest.mark.parametrize("page", ["cli.md", "cli.pt-BR.md"])
def test_every_option_is_in_the_section_of_its_verb(page: str) -> None:
    text = (DOCS / "reference" / page).read_text(encoding="utf-8")
    parts = re.split(r"^## `(.*)`$", text, flags=re.MULTILINE)
    told = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert set(VERBS) == set(told)
    lacking = {
        verb: [
            name for name in names if not re.search(rf"^\| `[^|]*{re.escape(name)}(?![\w-])", told[verb], re.MULTILINE)
        ]
        for verb, names in VERBS.items()
    }
    assert {verb: names for verb, names in lacking.items() if names} == {}
