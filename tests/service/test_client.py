"""The typed client against the service itself, and against servers that are none."""

import httpx
import pytest
from served_squares import KEYS, png, squares

import mirante
from mirante import client as module
from mirante.client import Caption, Client, Hit
from mirante.errors import MissingLibrary, ServiceError


class Inside(httpx.BaseTransport):
    """Carries requests into an application that is open in this process."""

    def __init__(self, opened):
        self._opened = opened

    def handle_request(self, request):
        content = request.read()
        answer = self._opened.request(request.method, str(request.url), content=content, headers=dict(request.headers))
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


@pytest.fixture
def inside(serve):
    """A function that gives a client with the key of a scope."""
    opened = serve()
    return lambda scope: Client("http://testserver", KEYS[scope], transport=Inside(opened))


@pytest.fixture
def open_client(client):
    return Client("http://testserver", transport=Inside(client))


def answering(*answers):
    """A client of a server that gives these answers, one after the other."""
    left = list(answers)
    return Client("http://other", transport=httpx.MockTransport(lambda request: left.pop(0)))


def test_search_by_text_sum_filter_and_page(open_client):
    found = open_client.search("green", k=1)
    assert found.hits == (Hit("green", 1, 1, 1.0, None, ("a green square",), {"year": 2001}),)
    assert (found.more, found.nothing_matches, found.index, found.model) == (True, None, "squares", "toy")
    assert [hit.id for hit in open_client.search("red", plus=["blue^2"], minus=["green"], k=2).hits] == ["blue", "red"]
    assert [hit.id for hit in open_client.search("red", where={"year": "2001"}, k=1, offset=1).hits] == ["blue"]
    assert [hit.id for hit in open_client.search("red", index="texts", k=1).hits] == ["t1"]


def test_pictures_are_bytes_or_paths(open_client, tmp_path):
    (tmp_path / "blue.png").write_bytes(png("blue"))
    for image in (png("blue"), tmp_path / "blue.png", str(tmp_path / "blue.png")):
        assert open_client.search(image=image, k=1).hits[0].id == "blue"
    summed = open_client.search("red^3", image=png("blue"), where={"year": "1999"}, k=1)
    assert summed.hits[0].id == "red"


def test_similar_captions_and_labels(open_client):
    assert [hit.id for hit in open_client.similar("red", k=1).hits] == ["green"]
    assert open_client.captions(png("blue"), k=1) == (Caption("a blue square", 1.0, None, "blue"),)
    assert open_client.captions(png("red"), k=1, index="texts")[0].text == "a red ball"
    first, second = open_client.classify(png("red"), ["blue", "red"], language="pt")
    assert (first.label, second.label) == ("red", "blue")
    assert first.probability + second.probability == pytest.approx(1)


def test_items_are_added_and_deleted(inside):
    with inside("write") as writer:
        added = writer.add("a/b", image=png("black"), captions=["night"], metadata={"dark": True, "year": 3})
        assert (added.index, added.ids, added.count) == ("squares", ("a/b",), 4)
        assert writer.add("t3", captions=["a hill"], index="texts").count == 3
        hit = inside("search").search("black", k=1).hits[0]
        assert (hit.id, hit.captions, hit.metadata) == ("a/b", ("night",), {"dark": True, "year": 3})
        assert inside("search").similar("a/b", k=1).hits[0].id == "red"
        assert writer.delete(["a/b"]).count == 3


def test_indexes_are_listed_and_swapped(inside, tmp_path):
    assert [(one.name, one.holds, one.count) for one in inside("search").indexes()] == [
        ("squares", "images", 3),
        ("texts", "texts", 2),
    ]
    assert inside("admin").swap("squares", squares(tmp_path / "other", {"pink": 1})).count == 1
    assert inside("search").ready() is True


def test_a_refusal_is_an_error_with_its_status(inside):
    with pytest.raises(ServiceError, match="This key opens search, not 'write'") as refused:
        inside("search").delete(["red"])
    assert (refused.value.status, refused.value.what) == (403, "wrong-scope")
    with pytest.raises(ServiceError, match="no item 'x/y'"):
        inside("search").similar("x/y")


def test_a_busy_service_is_asked_again_after_the_time_that_it_says(monkeypatch):
    waited = []
    monkeypatch.setattr(module.time, "sleep", waited.append)
    busy = {"error": {"what": "busy", "message": "later", "reason": None}}
    good = {"hits": [], "nothing_matches": None, "more": False, "index": "a", "model": "b", "new_field": 1}
    answers = [httpx.Response(429, json=busy, headers={"Retry-After": "3"}), httpx.Response(200, json=good)]
    assert answering(*answers).search("red").hits == ()
    assert waited == [3]
    with pytest.raises(ServiceError) as refused:
        answering(*[httpx.Response(429, json=busy)] * 3).search("red")
    assert (refused.value.status, waited) == (429, [3, 1, 1])


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(502, text="<html>bad gateway</html>"), 502),
        (httpx.Response(404, json={"detail": "x"}), 404),
        (httpx.Response(200, text="<html>hello</html>"), 200),
        (httpx.Response(200, json=[]), 200),
    ],
)
def test_a_server_that_is_no_service_is_one_clear_error(answer, status):
    with pytest.raises(ServiceError) as wrong:
        answering(answer).search("red")
    assert wrong.value.status == status


def test_nobody_there_is_one_clear_error():
    def refuse(request):
        raise httpx.ConnectError("refused")

    client = Client("http://nobody", transport=httpx.MockTransport(refuse))
    with pytest.raises(ServiceError, match=r"http://nobody does not answer .refused"):
        client.search("red")
    assert client.ready() is False


def test_it_is_a_public_name_and_says_which_library_it_lacks(monkeypatch):
    assert mirante.Client is Client
    monkeypatch.setitem(__import__("sys").modules, "httpx", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'mirante\[serve\]'"):
        Client("http://a")
