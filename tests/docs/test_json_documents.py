"""The page of what `--json` prints: current, whole, and true of what the verbs print."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from printed_documents import documents
from typer.main import get_command

from _json_documents import FOLDER, SHAPES, Part, Seen, errors, part, read
from json_page import GENERATED
from mirante.cli import app

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES = {"en": DOCS / "json.md", "pt": DOCS / "json.pt-BR.md"}


def verbs(command: Any = None, name: str = "") -> Iterator[str]:
    """Every verb of the command line that takes `--json`."""
    command = command or get_command(app)
    if any("--json" in option.opts for option in command.params):
        yield name
    for below, one in getattr(command, "commands", {}).items():
        yield from verbs(one, f"{name} {below}".strip())


def headed(lang: str) -> set[str]:
    """Verbs that have a section."""
    titles = re.findall(r"^## (.+)$", PAGES[lang].read_text(encoding="utf-8"), re.MULTILINE)
    return {verb for title in titles for verb in re.findall(r"`([^`]+)`", title)}


def test_the_pages_are_what_the_files_say() -> None:
    for lang, made in GENERATED.made().items():
        assert PAGES[lang].read_text(encoding="utf-8") == made, "run scripts/json_page.py"


@pytest.mark.parametrize("lang", PAGES)
def test_every_verb_with_json_has_a_section(lang: str) -> None:
    known = set(verbs())
    assert len(known) >= 28
    assert headed(lang) == known


def test_both_languages_have_the_same_fields_in_the_same_order() -> None:
    english, portuguese = (
        re.findall(r"^\| `([^`]+)` \|", path.read_text(encoding="utf-8"), re.MULTILINE) for path in PAGES.values()
    )
    assert len(english) > 400
    assert english == portuguese


@pytest.mark.parametrize("lang", PAGES)
def test_every_type_with_a_link_leads_to_its_table(lang: str) -> None:
    text = PAGES[lang].read_text(encoding="utf-8")
    titles = {one.lower().replace(" ", "-") for one in re.findall(r"^#+ ([^`\n]+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= titles


def test_every_shape_is_held_by_a_document() -> None:
    catalogue = read()
    used = {name for one in catalogue.parts() for entry in one.fields.values() for name in entry.types}
    assert set(catalogue.shapes) <= used
    assert (FOLDER / SHAPES).is_file()


def described(**fields: list[str]) -> Part:
    return part("x", {"fields": {path.replace("__", "."): entry for path, entry in fields.items()}})


def test_a_missing_language_other_code_and_an_unknown_type_are_told() -> None:
    assert not list(errors(described(a=["text", "The `b`.", "O `b`."]), {}))
    assert "language is missing" in next(errors(described(a=["text", "The b.", ""]), {}))
    assert "other code" in next(errors(described(a=["text", "The `b`.", "O `c`."]), {}))
    assert "'colour' is not known" in next(errors(described(a=["colour", "B.", "B."]), {}))


REPORT: dict[str, Any] = {"schema": 1, "report": "a.html"}


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ({**REPORT, "more": 1}, "report: more is printed (number) and not described"),
        ({"schema": 1}, "report: report is described and was not printed"),
        ({**REPORT, "report": None}, "report: report is null, described as text"),
        ({**REPORT, "schema": 2}, "report: schema is 2, not 1"),
    ],
)
def test_what_is_printed_otherwise_than_described_is_told(printed: dict[str, Any], told: str) -> None:
    seen = Seen(read())
    seen.add("report", printed)
    assert any(error.startswith(told) for error in seen.errors())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_printed_field_is_described_and_every_described_one_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, printed = Seen(read()), []
    for name, document in documents(tmp_path, monkeypatch):
        seen.add(name, document)
        printed.append((name, document))
    assert seen.errors() == []

    name, document = printed[-1]
    changed = copy.deepcopy(document)
    changed["before"]["en"]["mrr"]["middle"] = 0.5
    seen.add(name, changed)
    assert seen.errors() == ["estimate: middle is printed (number) and not described"]
