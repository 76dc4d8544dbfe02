"""Write `docs/reference/components*.md` from the registry's families, or check it; imports no component."""

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from _docstrings import parse, summary
from _pages import paragraph
from _translated import Generated, Say, cell, head
from mirante import indexes, registry

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "reference"
PAGES = {"en": DOCS / "components.md", "pt": DOCS / "components.pt-BR.md"}
INTRODUCTION = (
    "Everything that goes by a name: one file in a family's folder is one component, and so is an entry point of the "
    "family's group in an installed package. This page is read from the code by `make docs` and checked by "
    "`make lint`; do not edit it by hand.",
    "The column *needs* names the extra to install, `pip install 'mirante[EXTRA]'`; where it is empty, Mirante alone "
    "is enough.",
)
DISTRIBUTIONS = {
    "faiss": "faiss-cpu",
    "grpc": "pymilvus",
    "milvus_lite": "milvus-lite",
    "open_clip": "open_clip_torch",
    "sentence_transformers": "sentence-transformers",
    "yaml": "pyyaml",
}
"""Imported name → distribution, where they differ."""
BESIDE = {"huggingface_hub"}
"""Comes with a library of every extra that needs it."""
ADAPTERS = "mirante.encoders._adapters"
"""Opens adapters over any transformers model; only then is a further extra needed."""


@dataclass(frozen=True)
class Family:
    """A package of the registry.

    Args:
        package: below `mirante`.
        title: of its part of the page.
        about: how its components are named where they are used.
        more: page on them, from `docs/reference`, without its ending.
        names: component → how it is written.
        needs: extra that all of them need.
    """

    package: str
    title: str
    about: str
    more: str
    names: Callable[[str, ast.Module], list[str]]
    needs: str = ""


def own(name: str, _: ast.Module) -> list[str]:
    """A component that is written as it is called."""
    return [name]


ADDRESSES = {
    "caption-json": "captions.json",
    "folder": "FOLDER",
    "hf": "hf:OWNER/NAME",
    "scenes": "scenes",
    "table": "TABLE.parquet",
    "webdataset": "shards-{000..009}.tar",
}
"""Readers that are told by the form of the address; any other reads a published data set of its own name."""


def data(name: str, module: ast.Module) -> list[str]:
    """The address of a data set; its form where it has no name of its own."""
    if (constant(module, "PUBLISHED") is None) != (name in ADDRESSES):
        raise SystemExit(f"The data set {name!r} must be published or among ADDRESSES of {Path(__file__).name}.")
    return [ADDRESSES.get(name, name)]


def model_types(name: str, module: ast.Module) -> list[str]:
    """What `model_type` of a checkpoint's configuration an encoder opens; its own name where it has no checkpoint."""
    return list(ast.literal_eval(constant(module, "MODEL_TYPES") or ast.Tuple([]))) or [name]


def kinds(name: str, _: ast.Module) -> list[str]:
    """The variants of an index."""
    return [kind for kind in indexes.kinds() if kind == name or kind.startswith(f"{name}-")]


def addressed(name: str, module: ast.Module) -> list[str]:
    """The forms of an address as `open` writes them in its docstring, else those of the module's; else the name."""
    made = [one for one in module.body if isinstance(one, ast.FunctionDef) and one.name == "open"]
    for node in (*made, module):
        words = (ast.get_docstring(node) or "").split("`")[1::2]
        forms = [word for word in words if word == name or word.startswith(f"{name}:")]
        if forms:
            return list(dict.fromkeys(forms))
    return [name]


FAMILIES = (
    Family(
        "datasets",
        "Data sets",
        "The address of a data set, as in `mirante inspect DATA`. A published one may be followed by the folder that "
        "holds it, `coco:/path/to/folder`, and any one by splits, `:test`.",
        "../topics/datasets",
        data,
    ),
    Family(
        "encoders",
        "Encoders",
        "Families of models. `--model` names a folder, a hub id or an embedded model; its `model_type`, which the "
        "first column shows, decides which family opens it. `toy` is written as it is.",
        "../topics/models",
        model_types,
    ),
    Family(
        "indexes",
        "Indexes",
        "Written after `--kind` of `mirante index`.",
        "../topics/search",
        kinds,
    ),
    Family(
        "losses",
        "Losses",
        "Parts of the objective, `name` in `[[losses]]` of a training file, with their options below `options`.",
        "../topics/fine-tuning",
        own,
        "train",
    ),
    Family(
        "rerankers",
        "Re-rankers",
        "Written after `--rerank` of `mirante evaluate`, `search` and `ask`, and below `[rerank]` of a service.",
        "../topics/reranking",
        addressed,
    ),
    Family(
        "generation",
        "Generators of answers",
        "Written after `--generator` of `mirante ask`, and as `generator` of a service.",
        "../topics/asking",
        addressed,
    ),
    Family(
        "runtimes",
        "Engines of a network",
        "Written after `--runtime`, beside `torch`, which runs a model as it is. They run an exported network.",
        "../topics/encoding",
        own,
    ),
    Family(
        "imagine.parametrisations",
        "What draws",
        "Written after `--generator` of `mirante imagine`: the numbers that are changed in place of pixels. "
        "`diffusers:ADDRESS` there asks a text-to-image pipeline instead.",
        "../topics/imagine",
        addressed,
    ),
)


def page(lang: str, say: Say) -> str:
    """The whole page."""
    parts = [head("Components", PAGES, lang, say), *(paragraph(say(one, lang)) for one in INTRODUCTION)]
    for family in FAMILIES:
        more = f"{say('More', lang)}: {link(family.more, lang)}."
        parts += [f"## {say(family.title, lang)}", paragraph(say(family.about, lang)), more, table(family, lang, say)]
        if family.package == "losses":
            parts += options(lang, say)
    return "\n\n".join(parts) + "\n"


def table(family: Family, lang: str, say: Say) -> str:
    """The components of a family, one a row."""
    columns = ("written", "what it is", "needs", "source")
    rows = ["| " + " | ".join(say(one, lang) for one in columns) + " |", "|" + "---|" * len(columns)]
    for name in registry.names(f"mirante.{family.package}"):
        path = file(family.package, name)
        written = "<br>".join(f"`{one}`" for one in family.names(name, tree(path)))
        extras = ", ".join(f"`{one}`" for one in needs(family, path))
        source = f"[{name}](../../{path.relative_to(ROOT)})"
        row = (cell(written), cell(say(summary(path), lang)), extras, source)
        rows.append("| " + " | ".join(row) + " |")
    return "\n".join(rows)


def link(page: str, lang: str) -> str:
    """A link to a page in `lang`, by its title; `page` is a path from `docs/reference` without its ending."""
    target = page + (".md" if lang == "en" else ".pt-BR.md")
    title = (DOCS / target).read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    return f"[{title}]({target})"


def options(lang: str, say: Say) -> Iterator[str]:
    """The options of the losses."""
    rows = [
        "| " + " | ".join(say(one, lang) for one in ("loss", "option", "default", "meaning")) + " |",
        "|---|---|---|---|",
    ]
    for name in registry.names("mirante.losses"):
        path = file("losses", name)
        loss = next(one for one in tree(path).body if isinstance(one, ast.ClassDef) and one.name == "Loss")
        made = [one for one in loss.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
        arguments = [*made[0].args.args[1:], *made[0].args.kwonlyargs] if made else []
        values = [*made[0].args.defaults, *made[0].args.kw_defaults] if made else []
        told = parse(ast.get_docstring(loss), f"{name}.Loss").args
        if [one.arg for one in arguments] != list(told):
            raise SystemExit(f"{path}: the options of Loss and the Args of its docstring differ. Mend the docstring.")
        rows += [
            f"| `{name}` | `{one.arg}` | `{ast.unparse(value)}` | {cell(say(told[one.arg], lang))} |"
            for one, value in zip(arguments, values, strict=True)
        ]
    yield f"### {say('Options of the losses', lang)}"
    yield "\n".join(rows)


def file(package: str, name: str) -> Path:
    """The file of a component of our own."""
    place = ROOT / "src" / "mirante" / Path(*package.split(".")) / name.replace("-", "_")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def constant(module: ast.Module, name: str) -> ast.expr | None:
    """What a module assigns to `name`, None where it does not."""
    for one in module.body:
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return one.value  # type: ignore[union-attr]
    return None


def needs(family: Family, path: Path) -> list[str]:
    """Extras that bring the libraries which a component imports, none that another one of them brings.

    Raises:
        SystemExit: a library is of no extra.
    """
    extras = optional()
    found = {family.needs} if family.needs else set()
    for library in libraries(path, set()) - BESIDE - {"numpy", "PIL", "pyarrow", "safetensors"}:
        distribution = DISTRIBUTIONS.get(library, library)
        bringing = [extra for extra, listed in extras.items() if distribution in listed]
        if not bringing:
            raise SystemExit(f"{path} imports {library!r}, which no extra brings: see DISTRIBUTIONS.")
        found.add(bringing[0])
    return sorted(one for one in found if not any(f"mirante[{one}]" in extras[other] for other in found - {one}))


def optional() -> dict[str, set[str]]:
    """Extra → names of its distributions, those that it takes over from other extras as `mirante[OTHER]`."""
    told: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras: Mapping[str, list[str]] = told["project"]["optional-dependencies"]
    return {
        name: {one.split(">")[0].replace("[binary]", "").replace("[data]", "") for one in lines}
        for name, lines in extras.items()
    }


def libraries(path: Path, seen: set[Path]) -> set[str]:
    """Libraries that a module imports, itself or through modules of Mirante whose names begin with `_`."""
    seen.add(path)
    found: set[str] = set()
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "mirante":
            found |= {parts[0]} - sys.stdlib_module_names
        elif parts[-1].startswith("_") and name != ADAPTERS:
            below = ROOT / "src" / Path(*parts).with_suffix(".py")
            found |= libraries(below, seen) if below.is_file() and below not in seen else set()
    return found


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Names of the modules that a module imports when it runs, and of what it takes from them."""
    return tuple(imported(tree(path)))


def imported(module: ast.Module) -> Iterator[str]:
    """The same, of its syntax."""
    typed = {id(one) for node in ast.walk(module) if checking(node) for one in ast.walk(node)}
    for node in ast.walk(module):
        if id(node) in typed:
            continue
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def checking(node: ast.AST) -> bool:
    """Whether a node is read by type checkers only."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


GENERATED = Generated(PAGES, page, Path(__file__))

if __name__ == "__main__":
    sys.exit(GENERATED.main(__doc__))
