"""Write `docs/reference/rest*.md` from the service's own OpenAPI document, or check that they are current."""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import _rest_examples
from _pages import paragraph
from _rest_examples import EXAMPLES, REFUSED, Route, Service
from _translated import Generated, Say, cell
from mirante.service.settings import SCOPES

Schema: TypeAlias = Mapping[str, Any]

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
PAGES = {"en": DOCS / "rest.md", "pt": DOCS / "rest.pt-BR.md"}
OTHER = {"en": "*[Em português](rest.pt-BR.md)*", "pt": "*[In English](rest.md)*"}
TOPIC = {"en": "../topics/service.md", "pt": "../topics/service.pt-BR.md"}
WRITTEN = "<!-- written by scripts/rest_page.py -->"
FILE = "application/octet-stream"
ERROR = "ErrorDocument"
ABOUT = (
    "Every route of `mirante serve`, written from the service's own OpenAPI document, which the service gives at "
    "`/openapi.json`. The examples were asked of a service over three squares, each of one colour.",
    "What is sent is a JSON document, or a form where it can hold a picture. A field that is not known is refused.",
)
KEYS = (
    "Where keys are configured, send one in the header `Authorization: Bearer KEY`. Each key opens some scopes. "
    "Without any configured key, `search` and `metrics` are open to this machine, `write` and `admin` are closed."
)
OPENS = {
    "search": "Searches, labels and answers, and tells which indexes there are.",
    "write": "Adds and deletes items.",
    "admin": "Puts one index in the place of another.",
    "metrics": "Reads the counters.",
}
EVENTS = (
    "The answer is a stream of server-sent events: `hits`, then `text` as often as there are pieces, then `answer`; or "
    "`error` where the generator fails on the way. The data of each event is one JSON document."
)
PLAIN = "The answer is text in the format of Prometheus; the example shows one of its counters."
ERRORS = (
    "Every refusal is one document. `what` is a short code, `message` says what is wrong and what to do, and `reason` "
    "is that of a picture that could not be read. This was asked without a key:"
)
TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
LIMITS = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("maxProperties", "at most {} fields"),
)


def page(lang: str, say: Say) -> str:
    """The whole page."""
    return "\n".join(Page(asked(), lang, say).blocks())


@cache
def asked() -> Service:
    """The service, once for both languages."""
    return _rest_examples.service()


class Page:
    """One page.

    Args:
        service: what it tells.
        lang: of the page.
        say: translates.
    """

    def __init__(self, service: Service, lang: str, say: Say) -> None:
        self._service, self._lang, self._say = service, lang, say
        self._schemas: Mapping[str, Schema] = service.document["components"]["schemas"]

    def say(self, text: str) -> str:
        """A text of the code, as a sentence begins."""
        return self._say(text[:1].upper() + text[1:], self._lang)

    def sentence(self, text: str) -> str:
        """A description of the document, with its full stop."""
        return self.say(text if text.endswith(".") else f"{text}.")

    def blocks(self) -> Iterator[str]:
        """Everything, from top to bottom."""
        yield f"# {self.say('The REST interface')}\n\n{OTHER[self._lang]}\n\n{WRITTEN}\n"
        for text in ABOUT:
            yield paragraph(self.say(text)) + "\n"
        yield f"[{self.say('How to configure and run the service')}]({TOPIC[self._lang]}).\n"
        yield from self.keys()
        shown: dict[str, None] = {}
        for path, methods in self._service.document["paths"].items():
            for method, operation in methods.items():
                yield from self.route((method.upper(), path), operation)
                shown |= dict.fromkeys(self.reached(operation["responses"][good(operation)]))
        yield f"## {self.say('Answers')}\n"
        for name in shown:
            yield from self.answer(name)
        yield from self.errors()

    def keys(self) -> Iterator[str]:
        """Which scope opens what."""
        yield f"## {self.say('Keys')}\n\n{paragraph(self.say(KEYS))}\n"
        rows = [f"| `{scope}` | {self.say(OPENS[scope])} |" for scope in SCOPES]
        yield table((self.say("Scope"), self.say("What it opens")), rows)

    def route(self, route: Route, operation: Schema) -> Iterator[str]:
        """One route: its scope, what goes in, what comes out, errors, and an example."""
        yield f"## `{' '.join(route)}`\n\n{paragraph(self.say(operation['description']))}\n"
        scope = self._service.scopes[route]
        told = self.say("Key with the scope {}.").format(f"`{scope}`") if scope else self.say("No key is needed.")
        yield f"{told}\n"
        yield from self.request(operation)
        yield from self.response(operation)
        refused = ", ".join(code for code in operation["responses"] if int(code) >= 400)
        if refused:
            yield f"[{self.say('Errors')}](#{self.say('Errors').lower()}): {refused}.\n"
        answered = self._service.answers[route]
        kind = "json" if answered.startswith("{") else "text"
        yield f"```text\n{EXAMPLES[route].shown(route[0])}\n```\n\n```{kind}\n{answered}\n```\n"

    def request(self, operation: Schema) -> Iterator[str]:
        """What goes in: parameters of the address, then the body."""
        given = [
            self.row(one["name"], {**one["schema"], **one}, required=one["required"])
            for one in operation.get("parameters", ())
        ]
        if given:
            yield self.say("Parameters of the address:") + "\n"
            yield table(self.head("parameter"), given)
        body = operation.get("requestBody", {"content": {}})["content"]
        for content in body.values():
            schema = self._schemas[named(content["schema"])]
            picture = "image" in schema["properties"]
            told = "A form (`multipart/form-data`):" if picture else "A JSON document:"
            yield self.say(told) + "\n"
            wanted = schema.get("required", ())
            yield table(
                self.head("field"),
                [self.row(name, one, required=name in wanted) for name, one in schema["properties"].items()],
            )

    def response(self, operation: Schema) -> Iterator[str]:
        """What comes out."""
        code = good(operation)
        content = operation["responses"][code]["content"]
        if "application/json" in content:
            name = named(content["application/json"]["schema"])
            yield f"{self.say('Answer')} {code}: [{name}](#{name.lower()}).\n"
        else:
            yield paragraph(self.say(EVENTS if "text/event-stream" in content else PLAIN)) + "\n"

    def answer(self, name: str) -> Iterator[str]:
        """The table of one object that comes out."""
        schema = self._schemas[name]
        yield f"### {name}\n\n{paragraph(self.say(schema['description']))}\n"
        rows = [
            f"| `{path}` | {self.types(one)} | {cell(self.sentence(one['description']))} |"
            for path, one in schema["properties"].items()
        ]
        yield table((self.say("Field"), self.say("Type"), self.say("Meaning")), rows)

    def errors(self) -> Iterator[str]:
        """The document of a refusal, and what each code means."""
        yield f"## {self.say('Errors')}\n\n{paragraph(self.say(ERRORS))}\n"
        yield f"```text\n{REFUSED.shown('POST')}\n```\n\n```json\n{self._service.refusal}\n```\n"
        meanings: dict[str, str] = {}
        for methods in self._service.document["paths"].values():
            for operation in methods.values():
                meanings |= {code: one["description"] for code, one in operation["responses"].items() if code >= "400"}
        rows = [f"| {code} | {cell(self.sentence(meanings[code]))} |" for code in sorted(meanings)]
        yield table((self.say("Code"), self.say("Meaning")), rows)
        for name in self.reached({"$ref": f"/{ERROR}"}):
            yield from self.answer(name)

    def head(self, what: str) -> tuple[str, ...]:
        """The head of a table of what goes in."""
        return tuple(self.say(one) for one in (what, "Type", "Default", "Limits", "Meaning"))

    def row(self, name: str, schema: Schema, *, required: bool) -> str:
        """One field that goes in."""
        default = self.say("Required") if required else f"`{json.dumps(schema.get('default'))}`"
        limits = "; ".join(self.limits(schema)) or "–"
        meaning = cell(self.sentence(schema["description"]))
        return f"| `{name}` | {self.types(schema)} | {default} | {limits} | {meaning} |"

    def limits(self, schema: Schema) -> Iterator[str]:
        """What a value must keep to, in words; of the entries of a list too."""
        for key, words in LIMITS:
            if key in schema:
                number = f"{int(schema[key]):,}"
                yield self._say(words, self._lang).format(number.replace(",", "." if self._lang == "pt" else ","))
        if "pattern" in schema and "|" in schema["pattern"]:
            yield "`" + schema["pattern"].replace("|", "\\|") + "`"
        below = [schema.get("items"), schema.get("additionalProperties"), schema.get("contentSchema")]
        for one in (*schema.get("anyOf", ()), *below):
            yield from self.limits(one) if isinstance(one, Mapping) else ()

    def types(self, schema: Schema) -> str:
        """The type in words, of objects a link."""
        return (" or " if self._lang == "en" else " ou ").join(dict.fromkeys(self.kinds(schema)))

    def kinds(self, schema: Schema) -> Iterator[str]:
        """Each type that may stand there."""
        if "$ref" in schema:
            name = named(schema)
            yield f"[{name}](#{name.lower()})"
        elif "anyOf" in schema:
            for one in schema["anyOf"]:
                yield from self.kinds(one)
        elif schema.get("contentMediaType") == FILE:
            yield self._say("file", self._lang)
        elif schema.get("type") == "array":
            yield self._say("list of {}", self._lang).format(self.types(schema["items"]))
        elif schema.get("type") == "object" or "contentSchema" in schema:
            yield self._say("JSON object", self._lang)
        else:
            known = TYPES.get(schema["type"])
            yield self._say(known, self._lang) if known else schema["type"]

    def reached(self, schema: Any) -> Iterator[str]:
        """Names of the objects within an answer, the outermost first."""
        if isinstance(schema, Mapping):
            if "$ref" in schema:
                name = named(schema)
                yield name
                yield from self.reached(self._schemas[name]["properties"])
            else:
                for one in schema.values():
                    yield from self.reached(one)
        elif isinstance(schema, list):
            for one in schema:
                yield from self.reached(one)


def good(operation: Schema) -> str:
    """The code of the answer that is no refusal."""
    return next(code for code in operation["responses"] if int(code) < 400)


def named(schema: Schema) -> str:
    """The name of the object that a schema points at."""
    return str(schema["$ref"]).rpartition("/")[2]


def table(head: tuple[str, ...], rows: list[str]) -> str:
    """A table in Markdown."""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *rows]) + "\n"


GENERATED = Generated(PAGES, page, Path(__file__))

if __name__ == "__main__":
    sys.exit(GENERATED.main(__doc__))
