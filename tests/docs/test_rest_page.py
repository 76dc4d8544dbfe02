"""The page of the service's routes: current, and no route, scope, field or code of the service is missing."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

import _rest_examples
from mirante.service import Key, Limits, ServiceConfig, documents, routes
from mirante.service.app import create
from mirante.service.settings import SCOPES
from rest_page import GENERATED, Page, asked

DOCS = Path(__file__).resolve().parents[2] / "docs"
LANGUAGES = {"en": ".md", "pt": ".pt-BR.md"}


def written(lang: str) -> str:
    return (DOCS / "reference" / f"rest{LANGUAGES[lang]}").read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    pieces = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def routers() -> Iterator[APIRoute]:
    """Every route that a module of the service declares, whether or not the application takes it."""
    for found in iter_modules(routes.__path__):
        for value in vars(import_module(f"{routes.__name__}.{found.name}")).values():
            if isinstance(value, APIRouter):
                yield from (one for one in value.routes if isinstance(one, APIRoute))


def declared() -> list[tuple[str, str]]:
    """Method and path of every route."""
    return [(method, one.path.replace(":path}", "}")) for one in routers() for method in one.methods]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service with one key for each scope: the scope's own name, over and over."""
    folder = _rest_examples.squares(tmp_path_factory.mktemp("squares") / "index")
    keys = tuple(Key(scope.upper(), (scope,)) for scope in SCOPES)
    config = ServiceConfig({"squares": str(folder)}, keys=keys, limits=Limits(wait_ms=0))
    with TestClient(create(config, environment={scope.upper(): scope * 9 for scope in SCOPES})) as client:
        yield client


def test_the_pages_are_what_the_service_says() -> None:
    for lang, made in GENERATED.made().items():
        assert GENERATED.pages[lang].read_text(encoding="utf-8") == made, "run scripts/rest_page.py"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_route_has_a_section_and_every_section_a_route(lang: str) -> None:
    told = {title.strip("`") for title in sections(written(lang)) if title.startswith("`")}
    assert len(told) == 13
    assert told == {" ".join(one) for one in declared()}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("route", declared(), ids=" ".join)
def test_the_scope_of_a_route_is_the_one_whose_key_opens_it(
    service: TestClient, route: tuple[str, str], lang: str
) -> None:
    method, path = route
    path = path.format(id="red", name="squares")
    keys = {scope: {"Authorization": f"Bearer {scope * 9}"} for scope in SCOPES}
    opens = [scope for scope, head in keys.items() if service.request(method, path, headers=head).status_code != 403]
    needed = service.request(method, path).status_code == 401
    told = re.search(r"^(?:Key with the scope|Chave com o escopo) `(\w+)`\.$", section(route, lang), re.MULTILINE)
    assert ([told[1]] if told else list(SCOPES)) == opens
    assert bool(told) == needed


def section(route: tuple[str, str], lang: str) -> str:
    return sections(written(lang))[f"`{' '.join(route)}`"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_scope_is_told(lang: str) -> None:
    head = written(lang).split("## `")[0]
    assert re.findall(r"^\| `(\w+)` \|", head, re.MULTILINE) == list(SCOPES)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("route", "kind"),
    [
        (("POST", "/v1/search"), documents.SearchRequest),
        (("POST", "/v1/search/image"), documents.PictureSearch),
        (("POST", "/v1/ask"), documents.Question),
        (("POST", "/v1/captions"), documents.Captioned),
        (("POST", "/v1/classify"), documents.Labelled),
        (("POST", "/v1/items"), documents.Added),
        (("DELETE", "/v1/items"), documents.Deleted),
        (("POST", "/v1/indexes/{name}/swap"), documents.Swapped),
    ],
    ids=str,
)
def test_every_field_that_goes_in_is_told(route: tuple[str, str], kind: Any, lang: str) -> None:
    told = re.findall(r"^\| `(\w+)` \|", section(route, lang), re.MULTILINE)
    parameters = re.findall(r"\{(\w+)\}", route[1])
    assert told == [*parameters, *kind.model_fields]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "kind",
    [
        documents.HitDocument,
        documents.Hits,
        documents.CaptionDocument,
        documents.Captions,
        documents.LabelDocument,
        documents.Labels,
        documents.Written,
        documents.IndexDocument,
        documents.Indexes,
        documents.Health,
        documents.Refusal,
        documents.ErrorDocument,
    ],
)
def test_every_field_that_comes_out_is_told(kind: Any, lang: str) -> None:
    text = re.search(rf"^### {kind.__name__}$(.*?)(?=^##|\Z)", written(lang), re.MULTILINE | re.DOTALL)
    assert text
    assert re.findall(r"^\| `(\w+)` \|", text[1], re.MULTILINE) == list(kind.model_fields)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_of_a_refusal_is_told(lang: str) -> None:
    told = re.findall(r"^\| (\d{3}) \|", written(lang), re.MULTILINE)
    assert told == [str(code) for code in documents._MEANING]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_limits_and_defaults_are_those_of_the_service(lang: str) -> None:
    most, least = ("at most", "at least") if lang == "en" else ("no máximo", "no mínimo")
    search = section(("POST", "/v1/search"), lang)
    assert re.search(rf"^\| `k` \| [^|]+ \| `10` \| {least} 1; {most} 100 \|", search, re.MULTILINE)
    (offset,) = [line for line in search.splitlines() if line.startswith("| `offset` |")]
    assert f"{most} {'100,000' if lang == 'en' else '100.000'}" in offset
    labels = section(("POST", "/v1/classify"), lang)
    assert re.search(r"^\| `image` \| \w+ \| (Required|Obrigatório) \|", labels, re.MULTILINE)
    assert "`^(en\\|pt)$`" in labels


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_topic_leads_here(lang: str) -> None:
    topic = (DOCS / "topics" / f"service{LANGUAGES[lang]}").read_text(encoding="utf-8")
    assert f"(../reference/rest{LANGUAGES[lang]})" in topic


def test_a_field_without_a_description_stops_the_page() -> None:
    bare = {"description": "x", "properties": {"a": {"type": "string"}}}
    told = Page(asked(), "en", lambda text, _: text)
    told._schemas = {"Bare": bare}
    with pytest.raises(KeyError, match="description"):
        list(told.answer("Bare"))
