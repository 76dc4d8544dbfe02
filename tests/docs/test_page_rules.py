"""Every page has its twin in the other language, and says where its figures and commands come from."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer.main
from typer._click.core import Context
from typer._click.exceptions import ClickException

from _pages import DOCS, LINK, ROOT, Fence, fences, language, pages, prose, twin
from mirante.cli import app
from page_commands import commands

READMES = [ROOT / "README.md", ROOT / "README.pt-BR.md"]
ENGLISH = [*pages("en"), READMES[0]]
BOTH = [*pages("en"), *pages("pt-BR"), *READMES]
GENERATED = ("reference",)
"""Folders of which the tables hold defaults and types, not figures."""

NUMBER = re.compile(r"\d[\d.,]*")
MEASURED = re.compile(r"\d[.,]\d|\d ?%")
NAMED = re.compile(r"(Made by|Written by|Feito por|Escrit[ao]s? por) `|(Source|Sources|Fonte|Fontes): \[")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def headings(path: Path) -> list[str]:
    return re.findall(r"^(#+) ", prose(read(path), path.name), re.MULTILINE)


def shown(path: Path) -> list[tuple[str, ...]]:
    """What is run, whole; of commands that are not, which name files in the reader's language, verbs and options."""
    told = [one for one in fences(read(path), path.name) if one.info[:1] in {("python",), ("console",)}]
    return [tuple(map(outline, one.lines)) if "no-run" in one.info else one.lines for one in told]


def outline(line: str) -> str:
    return " ".join(word for at, word in enumerate(line.split()) if at < 3 or word.startswith("-"))


def tables(text: str) -> list[str]:
    return re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)


def figures(path: Path) -> list[list[list[str]]]:
    """The numbers of each row of each table, in order, without the signs between their digits."""
    text = LINK.sub(lambda found: found["text"], prose(read(path), path.name))
    rows = [[NUMBER.findall(row) for row in table.splitlines()] for table in tables(text)]
    return [[[re.sub(r"\D", "", one) for one in row] for row in table] for table in rows]


@pytest.mark.parametrize("page", BOTH, ids=name)
def test_a_page_exists_in_both_languages_and_says_so(page: Path) -> None:
    assert twin(page).is_file(), f"{name(page)} has no {twin(page).name}"
    title, blank, other = read(page).splitlines()[:3]
    assert (title[:2], blank) == ("# ", "")
    words = "Em português" if language(page) == "en" else "In English"
    assert other == f"*[{words}]({twin(page).name})*"


@pytest.mark.parametrize("page", ENGLISH, ids=name)
def test_both_languages_have_the_same_sections_code_and_numbers(page: Path) -> None:
    other = twin(page)
    assert headings(page) == headings(other)
    assert shown(page) == shown(other)
    assert figures(page) == figures(other)


def sections(path: Path) -> Iterator[tuple[str, str]]:
    """Title and text of each part of a page between two headings."""
    parts = re.split(r"^#+ (.*)$", prose(read(path), path.name), flags=re.MULTILINE)
    yield from zip(["", *parts[1::2]], [parts[0], *parts[2::2]], strict=True)


@pytest.mark.parametrize("page", [one for one in BOTH if one.relative_to(ROOT).parts[1:2] != ("reference",)], ids=name)
def test_each_figure_names_the_command_or_the_paper_it_comes_from(page: Path) -> None:
    silent = []
    for title, text in sections(page):
        measured = [table for table in tables(text) if MEASURED.search(LINK.sub("", table))]
        pictures = [found["target"] for found in LINK.finditer(text) if found["picture"]]
        if (measured or pictures) and not NAMED.search(text):
            silent.append(title)
    assert silent == []


def calls(text: str) -> Iterator[list[str]]:
    """The arguments of each call of `mirante` in a line of bash."""
    words = shlex.split(text, comments=True, posix=True)
    arguments: list[str] | None = None
    for word in [*words, "|"]:
        if word in {"|", "||", "&&", "&", ";", ">", ">>", "2>", "<"} or word.endswith(";"):
            if arguments is not None:
                yield arguments + ([word[:-1]] if word[:-1] and word.endswith(";") else [])
            arguments = None
        elif arguments is not None:
            arguments.append(word)
        elif word == "mirante":
            arguments = []


def parse(arguments: list[str]) -> None:
    """Read a call as the command line would, down to its last verb.

    Raises:
        ClickException: an option or a verb does not exist, or an option lacks its value.
    """
    command, context, rest = typer.main.get_command(app), None, arguments
    while True:
        context = Context(command, info_name="mirante", parent=context)
        _, left, _ = command.make_parser(context).parse_args(args=list(rest))
        if not hasattr(command, "commands") or not left:
            return
        _, command, rest = command.resolve_command(context, left)


@pytest.mark.parametrize(
    "page", [*ENGLISH, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "examples").rglob("*.md"))], ids=name
)
def test_every_command_of_a_page_can_be_parsed(page: Path) -> None:
    wrong = []
    for one in commands(read(page), name(page)):
        for arguments in calls(one.text):
            try:
                parse(arguments)
            except ClickException as error:
                wrong.append(f"{one.place}: {one.text}: {error.format_message()}")
    assert wrong == []


def test_a_wrong_option_and_a_wrong_verb_are_found() -> None:
    assert list(calls("FOO=1 mirante embed a --out b | head; mirante --help")) == [
        ["embed", "a", "--out", "b"],
        ["--help"],
    ]
    for arguments in (["embed", "a", "--outt", "b"], ["embedd", "a"], ["embed", "--out"]):
        with pytest.raises(ClickException):
            parse(arguments)
    parse(["elip", "train", "configs/x.toml"])


def kinds(fence: Fence) -> bool:
    return fence.info[:1] != ("console",) or fence.info[1:] in {(), ("no-run",), ("server",)}


@pytest.mark.parametrize("page", BOTH, ids=name)
def test_fences_are_of_the_kinds_that_are_known(page: Path) -> None:
    assert [one.first for one in fences(read(page), page.name) if not kinds(one)] == []


WRITTEN = [path for path in sorted(ROOT.rglob("*.md")) if "/." not in f"/{path.relative_to(ROOT)}"]
LOCAL = [path for path in WRITTEN if path.relative_to(ROOT).parts[0] not in {"runs", "out", "site", "build", "dist"}]


def slug(title: str) -> str:
    """The place of a heading, as repositories and the site number it."""
    bare = re.sub(r"[`*]|\]\([^)]*\)|\[", "", title).strip().lower()
    return re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")


@pytest.mark.parametrize("page", LOCAL, ids=name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    dead = []
    for found in LINK.finditer(prose(read(page), page.name)):
        bare, _, place = found["target"].partition("#")
        if re.match(r"[a-z]+:", bare):
            continue
        target = (page.parent / bare) if bare else page
        if not target.exists() or (place and target.suffix == ".md" and place not in map(slug, titles(target))):
            dead.append(found["target"])
    assert dead == []


def titles(path: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", prose(read(path), path.name), re.MULTILINE)


def test_the_site_has_every_page_and_no_folder_is_left_out() -> None:
    assert {path.relative_to(DOCS).parts[0] for path in pages("en") if path.parent != DOCS} == {
        "cards", "extending", "guide", "how-to", "reference", "results", "topics",
    }  # fmt: skip


@pytest.mark.network
def test_links_to_other_sites_are_answered() -> None:
    told = {found["target"] for path in LOCAL for found in LINK.finditer(prose(read(path), path.name))}
    dead = []
    for address in sorted(one for one in told if one.startswith("https://")):
        answer = httpx.get(address, follow_redirects=True, timeout=30)
        if answer.status_code in {404, 410}:
            dead.append(address)
    assert dead == []
