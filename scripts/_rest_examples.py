"""A small service for the page of its routes: its OpenAPI document, the scope of each route, and answers to examples.

It serves squares of one colour under the toy encoder, whose vectors are exact, so that every run answers the same.
"""

import io
import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image
from starlette.testclient import TestClient

from mirante import encoders
from mirante.search import Entry, Gallery
from mirante.service import Key, Limits, ServiceConfig
from mirante.service.app import create
from mirante.service.settings import SCOPES
from mirante.types import Embeddings

Route: TypeAlias = tuple[str, str]
"""Method and path."""

SQUARES = {"red": 1999, "green": 2001, "blue": 2001}
ALL = {"ALL": "a key that opens all of it"}
SHOWN_FOLDER = "/srv/indexes"
MADE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)?")
SHOWN_DAY = "2026-01-31T12:00:00+00:00"
SHOWN_COUNTER = "mirante_index_rows"


@dataclass(frozen=True)
class Example:
    """What is asked of a route.

    Args:
        address: with its parameters filled in.
        body: a JSON document; `{folder}` in it is the folder of the indexes.
        form: fields of a form.
        picture: colour of the file `image` of the form.
    """

    address: str
    body: Mapping[str, Any] | None = None
    form: Mapping[str, Any] = field(default_factory=dict)
    picture: str = ""

    def shown(self, method: str) -> str:
        """The request as text."""
        lines = [f"{method} {self.address}"]
        if self.body is not None:
            told = json.dumps(self.body, ensure_ascii=False).replace("{folder}", SHOWN_FOLDER)
            lines += ["Content-Type: application/json", "", told]
        if self.picture:
            lines += ["Content-Type: multipart/form-data", ""]
            lines += [f"{name}={one}" for name, value in self.form.items() for one in entries(value)]
            lines += [f"image=@{self.picture}.png"]
        return "\n".join(lines)


EXAMPLES: Mapping[Route, Example] = {
    ("GET", "/healthz"): Example("/healthz"),
    ("GET", "/readyz"): Example("/readyz"),
    ("GET", "/metrics"): Example("/metrics"),
    ("POST", "/v1/search"): Example("/v1/search", {"text": "red", "where": {"year": "1999"}, "k": 1}),
    ("POST", "/v1/search/image"): Example("/v1/search/image", form={"k": 1}, picture="blue"),
    ("GET", "/v1/items/{id}/similar"): Example("/v1/items/red/similar?k=1"),
    ("POST", "/v1/captions"): Example("/v1/captions", form={"k": 1}, picture="green"),
    ("POST", "/v1/classify"): Example("/v1/classify", form={"labels": ["red", "blue"]}, picture="red"),
    ("POST", "/v1/items"): Example(
        "/v1/items", form={"id": "white", "captions": "a white square", "metadata": '{"year": 2020}'}, picture="white"
    ),
    ("DELETE", "/v1/items"): Example("/v1/items", {"ids": ["white"]}),
    ("GET", "/v1/indexes"): Example("/v1/indexes"),
    ("POST", "/v1/ask"): Example("/v1/ask", {"question": "Which square is red?", "k": 1}),
    ("POST", "/v1/indexes/{name}/swap"): Example("/v1/indexes/squares/swap", {"folder": "{folder}/other"}),
}
REFUSED = Example("/v1/search", {"text": "red"})
"""Asked without a key."""


@dataclass(frozen=True)
class Service:
    """What the page tells.

    Args:
        document: of OpenAPI.
        scopes: route → scope of its key, none where it needs no key.
        answers: route → answer to its example.
        refusal: what is answered without a key.
    """

    document: Mapping[str, Any]
    scopes: Mapping[Route, str | None]
    answers: Mapping[Route, str]
    refusal: str


def service() -> Service:
    """Start it, ask every example, and end it.

    Raises:
        SystemExit: a route has no example, an example no route, or an example is refused.
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        indexes = {"squares": str(squares(folder / "squares"))}
        squares(folder / "other")
        config = ServiceConfig(indexes, keys=(Key("ALL", SCOPES),), limits=Limits(wait_ms=0))
        app = create(config, environment=ALL)
        demanded = scopes(app.openapi())
        for method, path in sorted(demanded.keys() ^ EXAMPLES.keys()):
            raise SystemExit(f"{method} {path} stands in the service or in EXAMPLES alone: give each route an example.")
        with TestClient(app) as client:
            asked = {route: answer(client, route[0], one, folder) for route, one in EXAMPLES.items()}
            client.headers.clear()
            refusal = answer(client, "POST", REFUSED, folder, key=False)
        return Service(app.openapi(), demanded, asked, refusal)


def squares(folder: Path) -> Path:
    """A gallery of squares: each is exactly one axis."""
    toy = encoders.load("toy")
    rows = toy.encode_images([Image.new("RGB", (8, 8), one) for one in SQUARES])
    entries = [Entry(one, (f"a {one} square",), {"year": year}) for one, year in SQUARES.items()]
    return Gallery.create(folder, "exact", Embeddings(tuple(SQUARES), rows, toy.provenance), entries).folder


def scopes(document: Mapping[str, Any]) -> dict[Route, str | None]:
    """The scope that each route demands of a key."""
    found: dict[Route, str | None] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            demanded = [scope for one in operation.get("security", ()) for named in one.values() for scope in named]
            found[method.upper(), path] = demanded[0] if demanded else None
    return found


def answer(client: TestClient, method: str, one: Example, folder: Path, *, key: bool = True) -> str:
    """What the service answers, without what differs from one day and machine to the next."""
    told = json.dumps(one.body).replace("{folder}", folder.as_posix()) if one.body is not None else None
    head = {"Authorization": f"Bearer {ALL['ALL']}"} if key else {}
    head |= {"Content-Type": "application/json"} if told else {}
    files = {"image": ("image.png", png(one.picture), "image/png")} if one.picture else None
    got = client.request(
        method, one.address, content=told, data=dict(one.form) if files else None, files=files, headers=head
    )
    if got.status_code >= 400 and key:
        raise SystemExit(f"{method} {one.address} was answered {got.status_code}: {got.text}")
    text = MADE.sub(SHOWN_DAY, got.text.replace(folder.as_posix(), SHOWN_FOLDER))
    if got.headers["content-type"] == "application/json":
        return json.dumps(rounded(json.loads(text)), ensure_ascii=False, indent=1)
    if one.address == "/metrics":
        text = "\n".join(line for line in text.splitlines() if SHOWN_COUNTER in line)
    return text.strip()


def png(colour: str) -> bytes:
    """An encoded picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "PNG")
    return out.getvalue()


def rounded(value: Any) -> Any:
    """The same with four digits after the point, which every processor agrees on."""
    if isinstance(value, float):
        return round(value, 4) + 0.0
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def entries(value: Any) -> Iterator[Any]:
    """The values of a form's field."""
    yield from value if isinstance(value, list) else [value]
