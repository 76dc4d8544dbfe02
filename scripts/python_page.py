"""Write `docs/reference/python*.md` from the public names and their docstrings, or check it."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import mirante
from _docstrings import Docstring, parse
from _pages import paragraph
from _translated import Generated, Say, cell, head
from mirante import errors

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
PAGES = {"en": DOCS / "python.md", "pt": DOCS / "python.pt-BR.md"}
INTRODUCTION = (
    "The public names of the package are few: they fit on this page, and a test holds their number. `import mirante` "
    "loads no model library; each name is fetched from its layer when it is first used. Read from the code by "
    "`make docs` and checked by `make lint`; do not edit this page by hand.",
    "Data flow one way: a data set is opened and gathered into `Pairs`, an encoder turns pictures and texts into "
    "`Embeddings`, `evaluate` judges them, and a `Gallery` keeps them to be searched. What every verb of the command "
    "line does is a call of these names or of the layers below them.",
)
EXAMPLE = """\
from itertools import islice
from pathlib import Path

import mirante
from mirante.search import Entry

data = mirante.open_dataset("scenes:test")
items = list(islice(data.items("test", "en"), 200))
pairs = mirante.Pairs.from_items(items, "scenes:test")
encoder = mirante.load_encoder("scenes")

rows = encoder.encode_images([picture.load() for picture in pairs.images])
images = mirante.Embeddings(tuple(picture.id for picture in pairs.images), rows, encoder.provenance)
rows = encoder.encode_texts([caption.text for caption in pairs.captions])
texts = mirante.Embeddings(tuple(caption.id for caption in pairs.captions), rows, encoder.provenance)

judged = mirante.evaluate(images, texts, pairs)
print(len(pairs.images), "pictures,", len(pairs.captions), "captions")
print(f"hit_rate@1 {judged.result.metrics['hit_rate@1'].value:.2f}")

entries = [Entry(item.picture.id, tuple(caption.text for caption in item.captions)) for item in items]
gallery = mirante.Gallery.create(Path("runs/python/gallery"), "exact", images, entries)
best = gallery.search(encoder.encode_texts(["a small yellow bird"])[0], k=1)[0]
print(best.captions[0])
"""
OUTPUT = """\
200 pictures, 580 captions
hit_rate@1 0.78
a small yellow bird in the city
"""
QUOTED = re.compile(r"'([^'\"]*)'")
Function: TypeAlias = ast.FunctionDef


def page(lang: str, say: Say) -> str:
    """The whole page."""
    parts = [head("From Python", PAGES, lang, say), *(paragraph(say(one, lang)) for one in INTRODUCTION)]
    also = {"Configuration": "configuration", "Components": "components", "The command line": "cli"}
    ending = ".md" if lang == "en" else ".pt-BR.md"
    links = ", ".join(f"[{say(title, lang)}]({name}{ending})" for title, name in also.items())
    parts += [f"{say('See also:', lang)} {links}.", f"## {say('Example', lang)}"]
    parts += [
        paragraph(say("On the embedded pictures, with the embedded model:", lang)),
        f"```python\n{EXAMPLE}```",
        say("prints", lang),
        f"```text\n{OUTPUT}```",
    ]
    for name in mirante.__all__:
        parts += public(name, lang, say)
    return "\n\n".join(parts) + "\n"


def public(name: str, lang: str, say: Say) -> Iterator[str]:
    """The part of one public name."""
    thing = getattr(mirante, name)
    yield f"## `{name}`"
    if not inspect.isclass(thing):
        yield from told(name, syntax(thing), lang, say)
        return
    made = syntax(thing)
    assert isinstance(made, ast.ClassDef)
    told_of_it = parse(ast.get_docstring(made), name)
    yield signature(name, fields(made) or parameters(method(made, "__init__")))
    yield from prose(told_of_it, lang, say)
    yield from attributes(made, lang, say)
    for one in (node for node in made.body if isinstance(node, Function)):
        if not one.name.startswith("_") and not is_property(one):
            yield f"### `{name}.{one.name}`"
            yield from told(f"{name}.{one.name}", one, lang, say)
    if thing is errors.MiranteError:
        yield from tree(lang, say)


def told(name: str, node: ast.AST, lang: str, say: Say) -> Iterator[str]:
    """Signature and docstring of a function or method."""
    assert isinstance(node, Function)
    yield signature(name, parameters(node), returned(node))
    yield from prose(parse(ast.get_docstring(node), name), lang, say)


def prose(docstring: Docstring, lang: str, say: Say) -> Iterator[str]:
    """Paragraphs of a docstring, then what it says of arguments, result and errors."""
    yield from (paragraph(say(one, lang)) for one in docstring.paragraphs)
    if docstring.args:
        yield table(("argument", "what it is"), docstring.args, lang, say)
    if docstring.returns:
        yield paragraph(f"{say('Returns:', lang)} {say(docstring.returns, lang)}")
    if docstring.raises:
        yield table(("raises", "when"), docstring.raises, lang, say)


def table(columns: tuple[str, str], rows: Mapping[str, str], lang: str, say: Say) -> str:
    """Names, each with what is said of it."""
    lines = [f"| {say(columns[0], lang)} | {say(columns[1], lang)} |", "|---|---|"]
    lines += [f"| {codes(name)} | {cell(say(text, lang))} |" for name, text in rows.items()]
    return "\n".join(lines)


def codes(names: str) -> str:
    """`a, b` as code, each for itself."""
    return ", ".join(f"`{one}`" for one in names.split(", "))


def attributes(made: ast.ClassDef, lang: str, say: Say) -> Iterator[str]:
    """A table of the properties of a class, and of its constants."""
    found = {
        one.name: parse(ast.get_docstring(one), f"{made.name}.{one.name}").paragraphs[0]
        for one in made.body
        if isinstance(one, Function) and is_property(one) and not one.name.startswith("_")
    }
    if found:
        yield table(("attribute", "what it is"), found, lang, say)


def tree(lang: str, say: Say) -> Iterator[str]:
    """Every error below `MiranteError`, with what it means and the exit code of the command line."""
    yield paragraph(say("Every error is a `MiranteError`; these are in `mirante.errors`:", lang))
    lines = [
        f"| {say('error', lang)} | {say('is a', lang)} | {say('exit code', lang)} | {say('what it is', lang)} |",
        "|---|---|---|---|",
    ]
    for one in vars(errors).values():
        if inspect.isclass(one) and issubclass(one, errors.MiranteError) and one is not errors.MiranteError:
            meaning = say(parse(one.__doc__, one.__name__).paragraphs[0], lang)
            bases = ", ".join(f"`{base.__name__}`" for base in one.__bases__)
            lines.append(f"| `{one.__name__}` | {bases} | {one.exit_code} | {cell(meaning)} |")
    yield "\n".join(lines)


def signature(name: str, given: Iterable[str], result: str = "") -> str:
    """A call in a fence, on one line where it is short enough."""
    arguments, back = list(given), f" -> {plain(result)}" if result and result != "None" else ""
    line = f"{name}({', '.join(arguments)}){back}"
    if len(line) > 100:
        line = "\n".join([f"{name}(", *(f"    {one}," for one in arguments), f"){back}"])
    return f"```python\n{line}\n```"


def parameters(node: Function) -> Iterator[str]:
    """The parameters of a function as one writes them, without `self` and `cls`."""
    has, positional = node.args, [*node.args.posonlyargs, *node.args.args]
    values = [None] * (len(positional) - len(has.defaults)) + list(has.defaults)
    for one, value in zip(positional, values, strict=True):
        if one.arg not in ("self", "cls"):
            yield argument(one.arg, one.annotation, value)
    if has.vararg or has.kwonlyargs:
        yield f"*{argument(has.vararg.arg, has.vararg.annotation, None)}" if has.vararg else "*"
    for one, value in zip(has.kwonlyargs, has.kw_defaults, strict=True):
        yield argument(one.arg, one.annotation, value)
    if has.kwarg:
        yield f"**{argument(has.kwarg.arg, has.kwarg.annotation, None)}"


def returned(node: Function) -> str:
    """What a function gives back, empty where it does not say."""
    if isinstance(node.returns, ast.Constant) and isinstance(node.returns.value, str):
        return node.returns.value
    return ast.unparse(node.returns) if node.returns else ""


def fields(made: ast.ClassDef) -> list[str]:
    """The fields of a dataclass as parameters; none where it is not one."""
    if not any("dataclass" in ast.unparse(one) for one in made.decorator_list):
        return []
    return [
        argument(one.target.id, one.annotation, default(one.value))
        for one in made.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    ]


def default(value: ast.expr | None) -> ast.expr | None:
    """What a field is where it is left out: `field(default_factory=dict)` makes `dict()`."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        given = {one.arg: one.value for one in value.keywords}
        if "default_factory" in given:
            return ast.Call(given["default_factory"], [], [])
        return given.get("default")
    return value


def argument(name: str, annotation: ast.expr | None, value: ast.expr | None) -> str:
    """One parameter with its annotation and default."""
    quoted = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
    of = f": {annotation.value if quoted else plain(ast.unparse(annotation))}" if annotation else ""
    return f"{name}{of}" + (f"{' = ' if of else '='}{plain(ast.unparse(value))}" if value else "")


def plain(code: str) -> str:
    """Code with the quotes of the house."""
    return QUOTED.sub(r'"\1"', code)


def method(made: ast.ClassDef, name: str) -> Function:
    """The method of that name; one without parameters where a class has none."""
    found = [one for one in made.body if isinstance(one, Function) and one.name == name]
    return found[0] if found else ast.parse("def empty(): ...").body[0]  # type: ignore[return-value]


def is_property(node: Function) -> bool:
    """Whether a method is read like an attribute."""
    return any("property" in ast.unparse(one) for one in node.decorator_list)


def syntax(thing: Any) -> ast.stmt:
    """The syntax of a class or function."""
    return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]


GENERATED = Generated(PAGES, page, Path(__file__))

if __name__ == "__main__":
    sys.exit(GENERATED.main(__doc__))
