"""What `--json` prints, as `json_documents/*.toml` describes it: read, checked, and held against real documents.

One file a verb, or several verbs that print one document; `shapes.toml` has what several documents hold. A field is
a path and `[type, English, Portuguese]`, with `"rare"` as a fourth entry where a small run on one machine does not
print it:

    "hits[].score" = ["number", "Cosine with the query.", "Cosseno com a consulta."]

`[]` stands for each entry of a list, `{name}` for any key. A type is `text`, `number`, `boolean`, `null`, `list`,
`object`, `any` or the name of a shape, several with `|` between them. Lists and objects whose entries are described
need no line of their own.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

FOLDER = Path(__file__).with_name("json_documents")
SHAPES = "shapes.toml"
KINDS = ("text", "number", "boolean", "null", "list", "object", "any")
CODE = re.compile(r"`[^`]+`")

Texts: TypeAlias = tuple[str, str]
"""English and Portuguese."""


@dataclass(frozen=True)
class Field:
    """One line of a table.

    Args:
        types: what may stand there.
        says: what it means.
        rare: whether small runs on one machine may leave it out.
    """

    types: tuple[str, ...]
    says: Texts
    rare: bool = False


@dataclass(frozen=True)
class Part:
    """An object: a whole document, or a shape that several documents hold.

    Args:
        name: for tests and links.
        title: above its table.
        says: what it is.
        fields: path → field.
        notes: below its table.
    """

    name: str
    title: Texts
    says: Texts
    fields: Mapping[str, Field]
    notes: tuple[Texts, ...]
    _kinds: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in self.fields:
            steps = re.split(r"(?=\.|\[\])", path)
            for at in range(len(steps)):
                kind = "list" if steps[at] == "[]" else "object"
                self._kinds.setdefault("".join(steps[:at]), kind)

    def below(self, path: str, key: str) -> str:
        """The path of an object's entry: its own, else that of any key."""
        start = f"{path}." if path else ""
        known = {*self.fields, *self._kinds}
        if start + key in known:
            return start + key
        anyone = [one for one in known if re.fullmatch(re.escape(start) + r"\{[^}]+\}", one)]
        return anyone[0] if anyone else start + key

    def types(self, path: str) -> tuple[str, ...]:
        """What may stand at a path; nothing where it is not described."""
        if path in self.fields:
            return self.fields[path].types
        return (self._kinds[path],) if path in self._kinds else ()


@dataclass(frozen=True)
class Verbs:
    """A section of the page: verbs that print the same documents."""

    verbs: tuple[str, ...]
    documents: tuple[Part, ...]


@dataclass(frozen=True)
class Catalogue:
    """Everything that is described."""

    sections: tuple[Verbs, ...]
    shapes: Mapping[str, Part]

    def document(self, name: str) -> Part:
        """The document of that name, or the first one of that verb.

        Raises:
            KeyError: there is none.
        """
        named = {one.name: one for section in self.sections for one in section.documents}
        first = {verb: section.documents[0] for section in self.sections for verb in section.verbs}
        return {**first, **named}[name]

    def parts(self) -> Iterator[Part]:
        """Every document, then every shape."""
        for section in self.sections:
            yield from section.documents
        yield from self.shapes.values()


class Seen:
    """Holds documents that were printed against what is described.

    Args:
        catalogue: what is described.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._seen: set[tuple[str, str]] = set()
        self._wrong: dict[str, None] = {}

    def add(self, name: str, printed: Mapping[str, Any]) -> None:
        """Look at one document."""
        if printed.get("schema") != 1:
            self._wrong[f"{name}: schema is {printed.get('schema')!r}, not 1"] = None
        rest = {key: value for key, value in printed.items() if key != "schema"}
        self._look(self._catalogue.document(name), "", rest)

    def errors(self) -> list[str]:
        """Fields that are printed otherwise than described, and fields that are described and were never printed."""
        unseen = [
            f"{part.name}: {path} is described and was not printed: take it out, or mark it rare"
            for part in self._catalogue.parts()
            for path, one in part.fields.items()
            if not one.rare and (part.name, path) not in self._seen
        ]
        return [*self._wrong, *unseen]

    def _look(self, part: Part, path: str, value: Any) -> None:
        types = part.types(path) if path else ("object",)
        self._seen.add((part.name, path))
        found = kind(value)
        shapes = [name for name in types if name in self._catalogue.shapes]
        if found == "object" and shapes and "object" not in types:
            self._look(self._catalogue.shapes[shapes[0]], "", value)
        elif not types:
            self._wrong[f"{part.name}: {path} is printed ({found}) and not described"] = None
        elif "any" not in types and found not in types:
            self._wrong[f"{part.name}: {path} is {found}, described as {' | '.join(types)}"] = None
        elif "any" not in types and found == "object":
            for key, below in value.items():
                self._look(part, part.below(path, key), below)
        elif "any" not in types and found == "list" and (part.types(f"{path}[]") or value):
            for below in value:
                self._look(part, f"{path}[]", below)


def kind(value: Any) -> str:
    """The name of a JSON value's type."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return names[type(value)]


def read(folder: Path = FOLDER) -> Catalogue:
    """What the files describe.

    Raises:
        SystemExit: a language is missing or differs in its code, or a type is unknown.
    """
    tables = {path.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))}
    shapes = {name: part(name, table) for name, table in tables.pop(SHAPES).items()}
    sections = [
        Verbs(
            tuple(table["verbs"]),
            tuple(part(one.get("name", table["verbs"][0]), one) for one in table["documents"]),
        )
        for table in tables.values()
    ]
    catalogue = Catalogue(tuple(sorted(sections, key=lambda one: one.verbs)), shapes)
    wrong = [error for one in catalogue.parts() for error in errors(one, shapes)]
    if wrong:
        raise SystemExit("\n".join([f"{folder.name}:", *wrong]))
    return catalogue


def part(name: str, table: Mapping[str, Any]) -> Part:
    """One object, from its table."""
    fields = {
        path: Field(tuple(entry[0].split(" | ")), texts(entry[1:3]), entry[3:] == ["rare"])
        for path, entry in table["fields"].items()
    }
    notes = tuple(texts(one) for one in table.get("notes", ()))
    return Part(name, texts(table.get("title", ("", ""))), texts(table.get("says", ("", ""))), fields, notes)


def texts(pair: Any) -> Texts:
    """Both languages, each on one line."""
    english, portuguese = (" ".join(one.split()) for one in pair)
    return english, portuguese


def errors(one: Part, shapes: Mapping[str, Part]) -> Iterator[str]:
    """What is wrong with a description."""
    said = {"title": one.title, "says": one.says, **{path: entry.says for path, entry in one.fields.items()}}
    for where, (english, portuguese) in [*said.items(), *((f"note {n}", told) for n, told in enumerate(one.notes))]:
        if bool(english) != bool(portuguese) or (where in one.fields and not english):
            yield f"  {one.name}, {where}: a language is missing"
        if Counter(CODE.findall(english)) != Counter(CODE.findall(portuguese)):
            yield f"  {one.name}, {where}: the languages have other code between backticks"
    for path, entry in one.fields.items():
        for name in entry.types:
            if name not in (*KINDS, *shapes):
                yield f"  {one.name}, {path}: the type {name!r} is not known"
