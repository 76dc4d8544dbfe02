"""Every route demands a key with its scope; the table is read from the application, so that none can be forgotten."""

import pytest
from fastapi.routing import APIRoute
from served_squares import ENVIRONMENT, KEYS, key, settings
from starlette.testclient import TestClient

from mirante.errors import UsageError
from mirante.service import Key
from mirante.service.app import create
from mirante.service.auth import Keys
from mirante.service.routes import asking, indexes, items, reading, searching, status

OPEN = {("GET", "/healthz"), ("GET", "/readyz")}
SCOPES = {
    ("POST", "/v1/search"): "search",
    ("POST", "/v1/search/image"): "search",
    ("GET", "/v1/items/{id}/similar"): "search",
    ("POST", "/v1/captions"): "search",
    ("POST", "/v1/classify"): "search",
    ("POST", "/v1/ask"): "search",
    ("GET", "/v1/indexes"): "search",
    ("POST", "/v1/items"): "write",
    ("DELETE", "/v1/items"): "write",
    ("POST", "/v1/indexes/{name}/swap"): "admin",
    ("GET", "/metrics"): "metrics",
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with TestClient(create(settings(tmp_path_factory.mktemp("keys")), environment=ENVIRONMENT)) as opened:
        yield opened


def table(client):
    """(method, path) of every route that the application has."""
    return {(method.upper(), path) for path, methods in client.app.openapi()["paths"].items() for method in methods}


def call(client, route, headers=None):
    method, path = route
    answer = client.request(method, path.replace("{id}", "red").replace("{name}", "squares"), headers=headers)
    return answer.status_code


def test_the_table_is_whole(guarded):
    assert table(guarded) == OPEN | set(SCOPES)
    parts = (status, searching, reading, asking, items, indexes)
    routers = [*(one.router for one in parts), status.public, indexes.admin]
    routes = [one for router in routers for one in router.routes]
    assert len(routes) == len(table(guarded)), "no route is left out of the table"
    assert all(isinstance(one, APIRoute) and one.include_in_schema for one in routes)


def test_without_a_key_everything_but_health_is_401(guarded):
    closed = table(guarded) - OPEN
    assert {call(guarded, route) for route in closed} == {401}
    assert {call(guarded, route, {"Authorization": "Bearer nobody-knows-this-key"}) for route in closed} == {401}
    assert {call(guarded, route, {"Authorization": f"Basic {KEYS['admin']}"}) for route in closed} == {401}
    assert {call(guarded, route) for route in OPEN} == {200}


@pytest.mark.parametrize("scope", KEYS)
def test_a_key_opens_its_scope_and_no_other(guarded, scope):
    found = {route: call(guarded, route, key(scope)) for route in table(guarded) - OPEN}
    assert {route for route, code in found.items() if code == 403} == {
        r for r, needed in SCOPES.items() if needed != scope
    }
    assert 401 not in found.values()


def test_a_refusal_says_how_to_authenticate(guarded):
    answer = guarded.post("/v1/search", json={"text": "red"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["what"] == "no-key"
    other = guarded.post("/v1/items", headers=key("search"))
    assert other.json()["error"] == {
        "what": "wrong-scope",
        "message": "This key opens search, not 'write': use another one.",
        "reason": None,
    }


def test_where_no_key_is_configured_only_reading_is_open(client):
    found = {route: call(client, route) for route in table(client)}
    assert {route for route, code in found.items() if code == 401} == {
        route for route, scope in SCOPES.items() if scope in ("write", "admin")
    }


def test_a_key_with_several_scopes_opens_them_all():
    keys = Keys.read([Key("A", ("search", "write")), Key("B", ("admin",))], {"A": "a" * 16, "B": "b" * 16})
    assert keys.holder("a" * 16).scopes == ("search", "write")
    assert keys.holder("b" * 16).name == "B"
    assert keys.holder("a" * 15) is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "'A' holds 0 characters, a key has at least 16"),
        ({"A": "short"}, "'A' holds 5 characters"),
        ({"A": "a" * 16, "B": "a" * 16}, "'A' and 'B' hold one key"),
    ],
)
def test_keys_come_from_the_environment_and_are_long(environment, message):
    with pytest.raises(UsageError, match=message):
        Keys.read([Key("A", ("search",)), Key("B", ("write",))], environment)


def test_the_keys_themselves_are_not_kept():
    keys = Keys.read([Key("A", ("search",))], {"A": "a" * 16})
    assert "a" * 16 not in repr(vars(keys))
