"""Write `docs/reference/configuration*.md` from the dataclasses that configurations are read into, or check it."""

import json
import math
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from _docstrings import parse
from _pages import paragraph
from _translated import Generated, Say, cell, head
from mirante.advice import rules
from mirante.cost import gpus
from mirante.evaluation.presets import Preset
from mirante.generation import Template
from mirante.service.settings import ServiceConfig
from mirante.training.config import TrainConfig

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
PAGES = {"en": DOCS / "configuration.md", "pt": DOCS / "configuration.pt-BR.md"}
WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}
INTRODUCTION = (
    "Every key of every TOML file that you may write, by file and section, read from the code by `make docs` and "
    "checked by `make lint`; do not edit this page by hand.",
    "An unknown key is refused with the nearest valid one, and a value of the wrong type with the type that is wanted. "
    "TOML knows no None: where a description says None, the key is left out, and the default is then shown as —. "
    "Paths are relative to the folder where the program is started.",
)
HEAD = ("key", "type", "default", "meaning")


@dataclass(frozen=True)
class File:
    """One kind of file.

    Args:
        title: of its part of the page.
        command: that reads it.
        about: a paragraph on it.
        kind: what it is read into.
    """

    title: str
    command: str
    about: str
    kind: type[Any]


FILES = (
    File(
        "Training",
        "mirante train configs/scenes-pt.toml",
        "One run: where it starts, what it learns from, how, and for how long. `mirante estimate` and `mirante elip "
        "train` read the same file; `configs/` has complete ones.",
        TrainConfig,
    ),
    File(
        "Service",
        "mirante serve --config service.toml",
        "What is served, to whom, within which limits.",
        ServiceConfig,
    ),
    File(
        "Template of a question",
        'mirante ask runs/tour/vectors "where is the yellow star?" --template template.toml',
        "How a generator is asked: text with fields by name between braces. `item` may name `{id}`, `{caption}` (the "
        "first), `{captions}`, `{relevance}`, `{metadata}` (all fields) and `{metadata.NAME}`; `prompt` names "
        "`{items}`, `{question}` and `{language}`. `{{` and `}}` are braces.",
        Template,
    ),
    File(
        "GPUs and prices",
        "mirante estimate configs/scenes-pt.toml --gpus gpus.toml",
        "GPUs to rent, with dated prices. Without `--gpus`, `~/.config/mirante/gpus.toml` is read where there is one, "
        "else the table that comes with Mirante.",
        gpus.Table,
    ),
    File(
        "Protocol of an evaluation",
        "mirante evaluate scenes:test --model scenes --protocol protocol.toml",
        "Which images and captions are asked, and how relevance is read. The protocols that come with Mirante have the "
        "same keys.",
        Preset,
    ),
    File(
        "Rules of advice",
        "mirante advise scenes:test --rules rules.toml",
        "A table of rules in place of the guide's. Within a topic the first rule of which all conditions hold answers.",
        rules.Table,
    ),
)


def page(lang: str, say: Say) -> str:
    """The whole page."""
    parts = [head("Configuration", PAGES, lang, say), *(paragraph(say(one, lang)) for one in INTRODUCTION)]
    for file in FILES:
        parts += [f"## {say(file.title, lang)}", paragraph(say(file.about, lang))]
        parts.append(f"```console no-run\n$ {file.command}\n```")
        for paths, kind in sections(file.kind):
            parts += section(paths, kind, lang, say)
    return "\n\n".join(parts) + "\n"


def sections(kind: type[Any]) -> list[tuple[list[str], type[Any]]]:
    """The sections below a file, each with the names that it goes by; the file's own top level has the name `""`."""
    found: dict[type[Any], list[str]] = {}

    def walk(kind: type[Any], path: str) -> None:
        found.setdefault(kind, []).append(path)
        for name, hint in get_type_hints(kind).items():
            inner = below(hint)
            if inner:
                walk(inner, written(path, name, hint))

    walk(kind, "")
    return [(paths, one) for one, paths in found.items()]


def section(paths: list[str], kind: type[Any], lang: str, say: Say) -> Iterator[str]:
    """Heading, first sentence and table of one section."""
    named = ", ".join(f"`{path}`" for path in paths)
    yield f"### {say('Top level', lang) if paths == [''] else named}"
    told, hints = parse(kind.__doc__, kind.__qualname__), get_type_hints(kind)
    yield paragraph(say(told.paragraphs[0], lang))
    known = {one.name: one for one in fields(kind)}
    if known.keys() != told.args.keys():
        wrong = ", ".join(sorted(known.keys() ^ told.args.keys()))
        place = f"{kind.__module__}.{kind.__qualname__}"
        raise SystemExit(f"{place}: its fields and the Args of its docstring differ in {wrong}. Mend the docstring.")
    rows = [
        f"| `{key(paths[0], name, hints[name])}` | {cell(typed(hints[name], lang, say))} "
        f"| {default(one, lang, say)} | {cell(say(told.args[name], lang))} |"
        for name, one in known.items()
    ]
    yield "\n".join(["| " + " | ".join(say(one, lang) for one in HEAD) + " |", "|---|---|---|---|", *rows])


def below(hint: Any) -> type[Any] | None:
    """The dataclass of a section that a field with this annotation opens, None where it opens none."""
    if is_dataclass(hint):
        return hint  # type: ignore[return-value]
    found = [one for one in map(below, get_args(hint)) if one]
    return found[0] if found else None


def written(path: str, name: str, hint: Any) -> str:
    """How TOML heads that section: `[model.new]`, or `[[losses]]` where there may be several."""
    whole = ".".join(filter(None, (path.strip("[]"), name)))
    return f"[[{whole}]]" if get_origin(hint) is tuple else f"[{whole}]"


def key(path: str, name: str, hint: Any) -> str:
    """How a field is written in its section: a key, or the head of a section of its own."""
    table = below(hint) or (not path and get_origin(hint) is Mapping)
    return written(path, name, hint) if table else name


def typed(hint: Any, lang: str, say: Say) -> str:
    """What a field takes, in words."""
    origin, arguments = get_origin(hint), get_args(hint)
    if below(hint):
        return say("sections" if origin is tuple else "section", lang)
    if origin in (Union, types.UnionType):
        return f" {say('or', lang)} ".join(typed(one, lang, say) for one in arguments if one is not type(None))
    if origin is Literal:
        return ", ".join(f"`{json.dumps(one)}`" for one in arguments)
    if origin is tuple:
        return f"{say('list of', lang)} {typed(arguments[0], lang, say)}"
    if origin is Mapping:
        return say("table: name = value", lang)
    return say(WORDS[hint], lang)


def default(one: Field[Any], lang: str, say: Say) -> str:
    """What a field is where it is left out."""
    value = one.default if one.default is not MISSING else MISSING
    if one.default_factory is not MISSING:
        value = one.default_factory()
    if value is MISSING:
        return say("required", lang)
    if value is None:
        return "—"
    if value in (math.inf, -math.inf):
        return say("no limit", lang)
    return say("its defaults", lang) if is_dataclass(value) else f"`{toml(value)}`"


def toml(value: Any) -> str:
    """A value as TOML writes it; of a section the keys that are not left at their defaults."""
    if is_dataclass(value):
        given = {one.name: getattr(value, one.name) for one in fields(value)}
        told = {one.name: given[one.name] for one in fields(value) if one.default != given[one.name]}
        return toml({name: inner for name, inner in told.items() if inner != {}})
    if isinstance(value, Mapping):
        inside = ", ".join(f"{name} = {toml(inner)}" for name, inner in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    return f"{value:_}" if type(value) is int and value > 99_999 else json.dumps(value, ensure_ascii=False)


GENERATED = Generated(PAGES, page, Path(__file__))

if __name__ == "__main__":
    sys.exit(GENERATED.main(__doc__))
