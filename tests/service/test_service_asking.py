"""Answers streamed as server-sent events: what was found, pieces, the whole; failures on the way; room."""

import json

import httpx
import pytest
from served_squares import key

from mirante.client import Answer, Client
from mirante.errors import ModelError, ServiceError
from mirante.service import Limits


class Told:
    """A generator that says what it is told to, and remembers how it ended."""

    name = "told"

    def __init__(self, *pieces):
        self.pieces, self.asked, self.closed = pieces, [], 0

    def generate(self, asked):
        self.asked.append(asked)
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed += 1


@pytest.fixture
def answering(serve, monkeypatch):
    """A function that starts a service whose generator says these pieces."""
    from mirante.service import app

    def start(*pieces, **changes):
        generator = Told(*pieces)
        monkeypatch.setattr(app, "open_generator", lambda address: generator)
        return serve(keys=(), **changes), generator

    return start


def events(answer):
    """(event, data) of a stream."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = [block.split("\n") for block in answer.text.split("\n\n") if block]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in found]


def test_an_answer_comes_in_pieces_and_then_whole(answering):
    client, generator = answering("It is ", "[red]", ", not [purple].")
    found = events(client.post("/v1/ask", json={"question": "what is red?", "k": 2}))
    assert found[0][0] == "hits"
    assert [hit["id"] for hit in found[0][1]["hits"]] == ["red", "green"]
    pieces = "".join(data["text"] for name, data in found if name == "text")
    name, whole = found[-1]
    assert (name, whole["found"], whole["citations"], whole["generator"]) == ("answer", True, ["red"], "told")
    assert whole["answer"] == pieces.strip()
    assert "[purple]" not in pieces, "what was not retrieved is not cited"
    assert [item.id for item in generator.asked[0].items] == ["red", "green"]
    assert "path" not in json.dumps(found)


def test_the_embedded_default_needs_no_model(client):
    name, whole = events(client.post("/v1/ask", json={"question": "o que é azul?", "k": 1, "language": "pt"}))[-1]
    assert (name, whole["generator"], whole["language"], whole["citations"]) == ("answer", "extractive", "pt", ["blue"])


def test_a_generator_that_fails_on_the_way_ends_the_stream_with_an_error(answering):
    client, generator = answering("It is ", ModelError("The server is gone: start it."))
    *_, (name, data) = events(client.post("/v1/ask", json={"question": "red?"}))
    assert (name, data["error"]["what"]) == ("error", "model-error")
    assert data["error"]["message"] == "The server is gone: start it."
    assert generator.closed == 1


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"question": " "}, 400),
        ({"question": "red?", "index": "circles"}, 404),
        ({"question": "red?", "rerank": ["x"]}, 400),
        ({"question": "red?", "where": {"yaer": "1"}}, 400),
        ({"question": "red?", "language": "fr"}, 422),
        ({}, 422),
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_stream_begins(answering, asked, status):
    client, generator = answering("It is red.", limits=Limits(answers=1, wait_ms=0))
    for _ in range(2):
        assert client.post("/v1/ask", json=asked).status_code == status
    assert generator.asked == []
    assert client.post("/v1/ask", json={"question": "red?"}).status_code == 200, "a refusal gives its room back"


def test_room_for_answers_is_bounded_and_comes_back(answering):
    client, _ = answering("It is red.", limits=Limits(answers=1, wait_ms=0))
    desk = client.app.state.desk
    assert desk.answering.acquire(blocking=False)
    refused = client.post("/v1/ask", json={"question": "red?"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    desk.answering.release()
    for _ in range(3):
        assert events(client.post("/v1/ask", json={"question": "red?"}))[-1][0] == "answer"


class Inside(httpx.BaseTransport):
    """Carries requests into an application that is open in this process."""

    def __init__(self, opened):
        self._opened = opened

    def handle_request(self, request):
        answer = self._opened.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


def test_the_client_streams_and_collects(answering):
    opened, _ = answering("It is ", "[red].")
    client = Client("http://testserver", transport=Inside(opened))
    *pieces, whole = client.stream("what is red?", k=1)
    assert "".join(pieces) == "It is [red]."
    assert isinstance(whole, Answer)
    assert (whole.answer, whole.citations, whole.found) == ("It is [red].", ("red",), True)
    assert [hit.id for hit in whole.hits] == ["red"]
    assert client.ask("what is red?", k=1) == whole


def test_the_client_says_what_went_wrong(answering, serve):
    opened, _ = answering("It ", ModelError("The server is gone."))
    with pytest.raises(ServiceError, match="The server is gone"):
        Client("http://testserver", transport=Inside(opened)).ask("red?")
    with pytest.raises(ServiceError, match="question") as refused:
        Client("http://testserver", transport=Inside(opened)).ask(" ")
    assert refused.value.status == 400
    cut = httpx.MockTransport(lambda request: httpx.Response(200, text='event: text\ndata: {"text": "It"}\n\n'))
    with pytest.raises(ServiceError, match="before it was whole"):
        Client("http://testserver", transport=cut).ask("red?")
    assert serve().post("/v1/ask", json={"question": "red?"}).status_code == 401
    assert serve().post("/v1/ask", json={"question": "red?"}, headers=key("write")).status_code == 403
