"""Code and catalogue agree: each key that code names exists, each message is named by code, its fields are filled."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from string import Formatter

import pytest

import mirante
from mirante import messages

Catalogue = Mapping[str, Mapping[str, str]]

SOURCE = Path(mirante.__file__).parent
SCRIPTS = Path(__file__).parents[2] / "scripts"
SPEAKS = {"text", "say", "_say", "_notice"}
"""Functions that take a key (or a language and a key) and the fields of its message."""
OWN = {"report": "report", "web": "web", "card.py": "card"}
"""Packages and modules that say keys of one area without its name."""
FILE = re.compile(r".+\.(html|json|jsonl|md|toml|py|css|gif|png)")
"""Names of files look like keys: `report.html`."""


@dataclass(frozen=True)
class Named:
    """A text in code that is a key or, with `.*` in place of what is filled in, a pattern of keys."""

    pattern: str
    package: Path

    def fits(self, key: str) -> bool:
        if ".*" in self.pattern:
            return re.fullmatch(self.pattern, key) is not None
        return self.written == key

    @cached_property
    def written(self) -> str:
        return self.pattern.replace(".*", "").replace("\\", "")


@dataclass(frozen=True)
class Call:
    """One message said: its full key, the fields that the call fills (None where they are unpacked), and where."""

    key: str
    fields: frozenset[str] | None
    where: str


def pattern(node: ast.AST) -> str | None:
    """The regular expression of a literal or of an f-string."""
    if isinstance(node, ast.Constant):
        return re.escape(node.value) if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(pattern(part) or ".*" for part in node.values)
    return None


def patterns_in(path: Path) -> Iterator[str]:
    """Every text of a module, and every quoted text of a template: `say('metric_' ~ name)` is `metric_.*`."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        for quoted, joined in re.findall(r"'([^']*)'( ~)?", source):
            yield re.escape(quoted) + ".*" * bool(joined)
        return
    nodes = list(ast.walk(ast.parse(source)))
    pieces = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    yield from filter(None, (pattern(node) for node in nodes if id(node) not in pieces))


@cache
def everything_named() -> tuple[Named, ...]:
    """What could be a key or start one, by package; a folder of templates counts as its package.

    Scripts count too: some write documents from the catalogue.
    """
    found: dict[Named, None] = {}
    for path in sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html"), *SCRIPTS.glob("*.py")]):
        package = path.parent.parent if path.suffix == ".html" else path.parent
        for one in patterns_in(path):
            if re.fullmatch(r"(\w|\\[.-])+(\.\*(\w|\\[.-])*)*", one):
                found[Named(one, package)] = None
    return tuple(found)


@cache
def every_call() -> tuple[Call, ...]:
    return tuple(call for path in sorted(SOURCE.rglob("*.py")) for call in calls_in(path))


def calls_in(path: Path) -> Iterator[Call]:
    own = OWN.get(path.name, OWN.get(path.parent.name))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in SPEAKS:
            continue
        unpacked = any(one.arg is None for one in node.keywords)
        fields = None if unpacked else frozenset(one.arg for one in node.keywords if one.arg)
        for key in keys_of(node):
            if "." in key or own:
                yield Call(key if "." in key else f"{own}.{key}", fields, f"{path.relative_to(SOURCE)}:{node.lineno}")


def keys_of(call: ast.Call) -> list[str]:
    """The first argument that is a text, or both texts of `"one" if … else "other"`."""
    for given in call.args[:2]:
        parts = (given.body, given.orelse) if isinstance(given, ast.IfExp) else (given,)
        if texts := [one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)]:
            return texts
    return []


def unused(catalogue: Catalogue) -> set[str]:
    """Keys that no code means.

    `area.key` is used where it stands in full or fits an f-string such as `inspect.reason_{name}`. Where a package
    says `area.{key}` the rest of the key must stand in that package, in one inside it, or in `types`.
    """
    areas = {key.partition(".")[0] for key in catalogue}
    full = [one for one in everything_named() if one.written.partition(".")[0] in areas and "." in one.written]
    found = set()
    for key in catalogue:
        area, _, rest = key.partition(".")
        holders = [one for one in full if one.fits(key)]
        if any(one.written != f"{area}." for one in holders):
            continue
        packages = {one.package for one in holders}
        inside = [one for one in everything_named() if one.fits(rest) and _is_inside(one.package, packages)]
        if not inside:
            found.add(key)
    return found


def _is_inside(package: Path, packages: set[Path]) -> bool:
    """Whether a package is one of those, in one of them, or beside `types` where there is any."""
    if package == SOURCE:
        return bool(packages)
    return any(one == package or (one != SOURCE and one in package.parents) for one in packages)


def is_package(written: str) -> bool:
    return (SOURCE / written.replace(".", "/")).is_dir()


def unknown(catalogue: Catalogue) -> set[str]:
    """Keys that code names and the catalogue lacks."""
    areas = "|".join(sorted({key.partition(".")[0] for key in catalogue}))
    like = [one for one in everything_named() if re.fullmatch(rf"({areas})\.[\w-]*", one.written)]
    told = [one for one in like if not FILE.fullmatch(one.written) and not is_package(one.written)]
    lacking = {one.written for one in told if not any(map(one.fits, catalogue))}
    return lacking | {call.key for call in every_call() if call.key not in catalogue}


def fields_of(key: str) -> set[str]:
    texts = messages.catalogue()[key].values()
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def test_every_message_is_used() -> None:
    assert unused(messages.catalogue()) == set()


def test_every_key_in_code_exists() -> None:
    assert unknown(messages.catalogue()) == set()


def test_every_call_fills_the_fields_of_its_message() -> None:
    calls = [one for one in every_call() if one.fields is not None and one.key in messages.catalogue()]
    lacking = {one.where: fields_of(one.key) - (one.fields or set()) for one in calls}
    assert {where: fields for where, fields in lacking.items() if fields} == {}
    assert len(calls) > 200


@pytest.mark.parametrize("key", ["report.summary_alike", "report.span", "card.merged", "cli.evaluate", "web.found"])
def test_a_key_without_a_message_is_noticed(key: str) -> None:
    without = {name: texts for name, texts in messages.catalogue().items() if name != key}
    assert unknown(without) - unknown(messages.catalogue()) == {key}


@pytest.mark.parametrize(
    "key", ["report.nobody_says_this", "cli.nor-this", "inspect.forgotten", "train.unsaid", "own.x"]
)
def test_a_message_that_nobody_says_is_noticed(key: str) -> None:
    before = unused(messages.catalogue())
    assert unused({**messages.catalogue(), key: {}}) - before == {key}
