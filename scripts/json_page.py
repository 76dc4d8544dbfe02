"""Write `docs/reference/json*.md` from `json_documents/*.toml`, or check that they are current."""

import sys
from collections.abc import Iterator
from pathlib import Path

from _json_documents import Catalogue, Field, Part, read
from _pages import paragraph
from _translated import Generated, Say, cell

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
PAGES = {"en": DOCS / "json.md", "pt": DOCS / "json.pt-BR.md"}
WRITTEN = "<!-- written by scripts/json_page.py from scripts/json_documents/ -->"
HEADS = {
    "en": f"""# The documents of `--json`

*[Em português](json.pt-BR.md)*

{WRITTEN}

Every verb prints one JSON document on standard output when it gets `--json`. Progress and messages go to standard
error. Each document has `schema`, the version of its form: it is 1. A field may be added under the same number; none
changes its meaning.

How to read the tables: `a.b` is the entry `b` of the object `a`; `[]` stands for each entry of a list; `{{name}}`
stands for any key. A type with a link is described [below](#shared-objects). Where a field may be null, it is still
there.
""",
    "pt": f"""# Os documentos de `--json`

*[In English](json.md)*

{WRITTEN}

Todo verbo imprime um único documento JSON na saída padrão quando recebe `--json`. O progresso e as mensagens vão para a
saída de erros. Cada documento tem `schema`, a versão da sua forma: é 1. Um campo pode ser acrescentado sob o mesmo
número; nenhum muda de sentido.

Como ler as tabelas: `a.b` é a entrada `b` do objeto `a`; `[]` vale por cada entrada de uma lista; `{{name}}` vale por
qualquer chave. Um tipo com link é descrito [mais abaixo](#objetos-comuns). Um campo que pode ser null aparece mesmo
assim.
""",
}
COLUMNS = {"en": ("field", "type", "meaning"), "pt": ("campo", "tipo", "sentido")}
SHARED = {"en": "Shared objects", "pt": "Objetos comuns"}
TYPES = {
    "en": {"any": "any value", "boolean": "true or false"},
    "pt": {
        "any": "qualquer valor", "boolean": "true ou false", "list": "lista", "number": "número", "object": "objeto",
        "text": "texto",
    },
}  # fmt: skip
AT = {"en": 0, "pt": 1}


def page(lang: str, _: Say) -> str:
    """The whole page; the Portuguese stands beside the English in the files."""
    catalogue = read()
    return "\n".join([HEADS[lang], *sections(catalogue, lang)])


def sections(catalogue: Catalogue, lang: str) -> Iterator[str]:
    """One section for verbs that print the same, then one for what several documents hold."""
    for section in catalogue.sections:
        yield "## " + ", ".join(f"`{verb}`" for verb in section.verbs) + "\n"
        for document in section.documents:
            yield from table(document, catalogue, lang)
    yield f"## {SHARED[lang]}\n"
    for shape in catalogue.shapes.values():
        yield from table(shape, catalogue, lang)


def table(part: Part, catalogue: Catalogue, lang: str) -> Iterator[str]:
    """Title, what it is, fields and notes of one object."""
    at = AT[lang]
    if part.title[at]:
        yield f"### {part.title[at]}\n"
    if part.says[at]:
        yield paragraph(part.says[at]) + "\n"
    rows = ["| " + " | ".join(COLUMNS[lang]) + " |", "|---|---|---|"]
    for path, one in part.fields.items():
        rows.append(f"| `{path}` | {types(one, catalogue, lang)} | {cell(one.says[at])} |")
    yield "\n".join(rows) + "\n"
    for note in part.notes:
        yield paragraph(note[at]) + "\n"


def types(one: Field, catalogue: Catalogue, lang: str) -> str:
    """What may stand there, in words; shapes with a link."""
    names = []
    for name in one.types:
        if name in catalogue.shapes:
            title = catalogue.shapes[name].title[AT[lang]]
            names.append(f"[{title.lower()}](#{title.lower().replace(' ', '-')})")
        else:
            names.append(TYPES[lang].get(name, name))
    return (" or " if lang == "en" else " ou ").join(names)


GENERATED = Generated(PAGES, page, Path(__file__))

if __name__ == "__main__":
    sys.exit(GENERATED.main(__doc__))
