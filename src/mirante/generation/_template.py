"""How a model is asked, as a TOML file that people edit: fields by name between braces.

```
system = "You are a curator."
item = "{captions} ({metadata.artist}, {metadata.year})"
prompt = "{items}\\n\\nQuestion: {question}"
```

`item` may name `{id}`, `{caption}` (the first), `{captions}`, `{relevance}`, `{metadata}` (all fields) and
`{metadata.NAME}`; `prompt` names `{items}`, `{question}` and `{language}`. `{{` and `}}` are braces.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from mirante import config
from mirante.errors import UnknownName, UsageError

ITEM = ("id", "caption", "captions", "relevance", "metadata", "metadata.NAME")
PROMPT = ("items", "question", "language")
NEEDED = ("items", "question")
_FIELD = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]")
_ANY = "metadata."


@dataclass(frozen=True)
class Template:
    """How a model is asked.

    Args:
        system: who it is and how it speaks; rules on items and citations follow it, whatever it says.
        item: one item; it stands between marks that are not the template's.
        prompt: what is asked, with all items.
    """

    item: str
    prompt: str
    system: str = ""


def read_template(path: Path) -> Template:
    """Read a template.

    Raises:
        UsageError: the file cannot be read, lacks a key, or asks without `{items}` or `{question}`.
        UnknownName: a key or field that there is none of.
    """
    return _checked(config.read(path, Template), str(path))


def packaged(language: str) -> Template:
    """The template of a language, `"en"` or `"pt"`; a good start for one's own."""
    with as_file(files(__package__) / f"template.{language}.toml") as path:
        return read_template(path)


def filled(text: str, value: Callable[[str], str]) -> str:
    """`text` with each `{field}` replaced by its value, once: braces in values mean nothing."""

    def put(match: re.Match[str]) -> str:
        name = match["name"]
        return match[0][0] if name is None else value(name)

    return _FIELD.sub(put, text)


def _checked(template: Template, where: str) -> Template:
    for key, text, valid in (("item", template.item, ITEM), ("prompt", template.prompt, PROMPT)):
        for name in _fields(text, f"{where}: {key}"):
            if name not in valid and not (key == "item" and name.startswith(_ANY)):
                raise UnknownName(f"field in {where}, {key}:", name, valid)
    for name in NEEDED:
        if name not in _fields(template.prompt, where):
            raise UsageError(f"The prompt in {where} lacks {{{name}}}: the model would not be told; add it.")
    return template


def _fields(text: str, where: str) -> list[str]:
    return list(_names(text, where))


def _names(text: str, where: str) -> Iterator[str]:
    for match in _FIELD.finditer(text):
        if match[0] in "{}":
            raise UsageError(f"{where} has a brace of its own at character {match.start()}: write it twice.")
        if match["name"] is not None:
            yield match["name"]
