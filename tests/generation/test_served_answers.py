"""The generator that asks a server: what it sends, and what it makes of streams, errors and plain answers."""

import base64
import json
from io import BytesIO

import PIL.Image
import pytest
from answering_server import DONE, STREAM, Server, event

from mirante.endpoint import TRIES
from mirante.errors import ModelError
from mirante.generation import Asked, Retrieved, Template, open_generator

pytestmark = pytest.mark.server
TEMPLATE = Template("{captions}", "{items}\n{question}", "S")
STAR = Retrieved("7", ("a red star",), image=lambda: PIL.Image.new("RGB", (8, 6), (250, 0, 0)))
ASKED = Asked("what is it?", "en", (STAR,), TEMPLATE)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "MIRANTE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    yield running
    running.close()


def opened(server, waits=None):
    generator = open_generator(f"openai:{server.address}#tiny")
    generator.endpoint._wait = [].append if waits is None else waits.append
    return generator


def answer(server, asked=ASKED, waits=None):
    return "".join(opened(server, waits).generate(asked))


def test_pieces_come_as_the_server_sends_them(server):
    server.hold.clear()
    pieces = opened(server).generate(ASKED)
    assert next(pieces) == "A red "
    server.hold.set()
    assert list(pieces) == ["star ", "[7]."]


def test_what_is_sent_is_rules_pictures_and_items(server):
    answer(server)
    (content,) = server.asked
    system, user = content.pop("messages")
    assert content == {"model": "tiny", "max_tokens": 512, "temperature": 0, "stream": True}
    assert system["role"] == "system"
    assert system["content"].startswith("S\nBetween <item id=…> and </item>")
    assert system["content"].endswith("those of the items [7].")
    shown, words = user["content"]
    url = shown["image_url"]["url"]
    assert url.startswith("data:image/png;base64,")
    assert PIL.Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))).getpixel((0, 0)) == (250, 0, 0)
    assert words == {"type": "text", "text": "<item id=7>\na red star\n</item>\nwhat is it?"}
    assert "Authorization" not in server.headers[0]


def test_without_pictures_the_words_are_sent_plain(server):
    answer(server, Asked("?", "en", (Retrieved("7", ("x",)),), TEMPLATE))
    assert server.asked[0]["messages"][1] == {"role": "user", "content": "<item id=7>\nx\n</item>\n?"}


def test_a_model_that_sees_nothing_is_told_in_words_from_then_on(server):
    def refuses(content, number):
        if isinstance(content["messages"][1]["content"], list):
            return 400, [b'{"error": "image_url is not supported by this model"}']
        return 200, STREAM

    server.answer = refuses
    generator = opened(server)
    with pytest.warns(UserWarning, match="takes no pictures"):
        assert "".join(generator.generate(ASKED)) == "A red star [7]."
    assert "".join(generator.generate(ASKED)) == "A red star [7]."
    assert [isinstance(one["messages"][1]["content"], list) for one in server.asked] == [True, False, False]
    assert "The pictures are" not in server.asked[1]["messages"][0]["content"]


def test_a_server_that_does_not_stream_is_understood(server):
    whole = json.dumps({"choices": [{"message": {"content": "A star [7]."}}]}, indent=1).encode()
    server.answer = lambda content, number: (200, [whole])
    assert answer(server) == "A star [7]."


def test_a_busy_server_is_asked_again(server):
    server.answer = lambda content, number: (503, [b"busy"]) if number < 3 else (200, STREAM)
    waits = []
    assert answer(server, waits=waits) == "A red star [7]."
    assert waits == [1.0, 2.0]


def test_a_server_that_stays_busy_is_one_error(server):
    server.answer = lambda content, number: (429, [b"later"])
    with pytest.raises(ModelError, match="answered 429: later"):
        answer(server)
    assert len(server.asked) == TRIES


@pytest.mark.parametrize(
    ("status", "chunks", "message"),
    [
        (404, [b"no such model"], "answered 404: no such model. Check its log"),
        (400, [b"bad temperature"], "answered 400: bad temperature"),
        (200, [event("A red ")], "stopped in the middle of its answer"),
        (200, [], "stopped in the middle"),
        (200, [b"<html>\n", b"hello"], "no chat completion"),
        (200, [b"data: {\n\n"], "no chat completion"),
        (200, [b'data: {"choices": [3]}\n\n'], "no chat completion"),
        (200, [event("A "), b'data: {"error": {"message": "out of memory"}}\n\n'], "gave up: .*out of memory"),
    ],
)
def test_what_cannot_be_read_is_one_error(server, status, chunks, message):
    server.answer = lambda content, number: (status, chunks)
    with pytest.raises(ModelError, match=message):
        answer(server)


def test_an_endless_answer_is_cut(server, monkeypatch):
    monkeypatch.setattr("mirante.endpoint.MOST", 2000)
    server.answer = lambda content, number: (200, [event("x" * 100)] * 50)
    with pytest.raises(ModelError, match="more than 2000 bytes"):
        answer(server)


def test_who_stops_reading_hangs_up(server):
    server.answer = lambda content, number: (200, [event("a")] * 10_000)
    pieces = opened(server).generate(ASKED)
    assert next(pieces) == "a"
    pieces.close()
    assert list(pieces) == []


def test_the_key_is_sent_and_never_shown(server, monkeypatch):
    monkeypatch.setenv("MIRANTE_API_KEY", "sk-s3cret")
    server.answer = lambda content, number: (200, [event("your key is sk-s3cret"), DONE])
    assert answer(server) == "your key is ***"
    assert server.headers[0]["Authorization"] == "Bearer sk-s3cret"
    server.answer = lambda content, number: (401, [b"wrong key sk-s3cret"])
    with pytest.raises(ModelError, match=r"wrong key \*\*\*"):
        answer(server)
