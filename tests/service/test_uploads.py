"""Uploads that are no good: each gets a refusal with a reason, and the service goes on."""

import importlib.util
import random
import threading
from pathlib import Path

import pytest
from served_squares import key, png

from mirante import pixels
from mirante.errors import ServiceError
from mirante.search import Gallery
from mirante.service import Limits
from mirante.service.pictures import Pictures

TRUNK = Path(__file__).parents[1] / "test_pixels.py"
MIB = 1 << 20


@pytest.fixture(scope="module")
def spoilt():
    """The malformed pictures of the tests of `mirante.pixels`."""
    spec = importlib.util.spec_from_file_location("trunk_pictures", TRUNK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def send(client, picture, route="/v1/search/image", name="picture.png", **more):
    return client.post(route, files={"image": (name, picture)}, **more)


def refusal(answer):
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error["what"], error["reason"]


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"", "empty"),
        (b"uma legenda, nao uma foto", "not-an-image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-an-image"),
        (b"%PDF-1.7\n", "not-an-image"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (png("red")[:-30], "truncated"),
    ],
)
@pytest.mark.parametrize("route", ["/v1/search/image", "/v1/captions", "/v1/classify"])
def test_what_is_no_picture_has_a_reason(client, route, picture, reason):
    answer = send(client, picture, route, data={"labels": ["red", "blue"]} if "classify" in route else None)
    assert refusal(answer) == (422, "unreadable-image", reason)


def test_bombs_are_refused_by_their_header(client, spoilt):
    for width, height in ((100_000, 100_000), (5000, 5000)):
        answer = send(client, spoilt.huge_png(width, height))
        assert refusal(answer) == (413, "unreadable-image", "too-large")


def test_fuzzed_pictures_are_read_or_refused_never_an_error(client, spoilt):
    dice, good = random.Random(7), spoilt.good_files()
    seen = set()
    for _ in range(60):
        answer = send(client, spoilt.spoil(dice.choice(good), dice.choice(good), dice))
        seen.add(answer.status_code)
        if answer.status_code != 200:
            status, what, reason = refusal(answer)
            assert (status in (413, 422), what, reason in pixels.REASONS) == (True, "unreadable-image", True)
    assert seen == {200, 413, 422}
    assert send(client, png("red")).status_code == 200


def test_a_hundred_megabytes_are_refused_unread(client):
    answer = send(client, b"\0" * (100 * MIB))
    assert refusal(answer)[:2] == (413, "too-large")
    assert "20,000,000 bytes" in answer.json()["error"]["message"]


def test_a_body_that_does_not_say_its_length_is_counted(serve):
    client = serve(keys=(), limits=Limits(upload_bytes=1000))
    head = {"Content-Type": "application/json"}
    answer = client.post("/v1/search", content=iter([b'{"text": "', *[b"a" * 100] * 20, b'"}']), headers=head)
    assert refusal(answer)[:2] == (413, "too-large")
    assert client.post("/v1/search", content=iter([b'{"text": ', b'"red"}']), headers=head).status_code == 200


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"not json", "application/json"),
        (b'{"text": "red"', "application/json"),
        (b"[]", "application/json"),
        (b"text=red", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "text/plain"),
        (b"", "application/json"),
    ],
)
def test_bodies_of_the_wrong_type_are_refused(client, content, kind):
    answer = client.post("/v1/search", content=content, headers={"Content-Type": kind})
    assert answer.status_code in (400, 415, 422)
    assert refusal(answer)[1]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"--x",
        b"--x\r\n\r\n",
        b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\nplain text\r\n--x--\r\n',
    ],
)
def test_broken_forms_are_refused(client, content):
    answer = client.post(
        "/v1/search/image", content=content, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code in (400, 422)
    assert refusal(answer)[1]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\\..\\b.png", "x" * 3000, "%2e%2e/x"])
def test_names_of_files_mean_nothing(serve, tmp_path, name):
    client = serve()
    before = {path for path in tmp_path.rglob("*") if "generation" not in str(path)}
    answer = send(client, png("black"), "/v1/items", name, data={"id": name[:400]}, headers=key("write"))
    assert answer.status_code in (201, 400)
    new = {path for path in tmp_path.rglob("*") if "generation" not in str(path)} - before
    assert all(path.is_relative_to(tmp_path / "squares" / "pictures") for path in new)
    if answer.status_code == 201:
        assert Gallery.open(tmp_path / "squares").entry(name[:400]) is not None


def test_only_so_many_pictures_are_in_memory_at_once():
    pictures = Pictures(Limits(pictures=1, seconds=1))
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with pictures.decoded(png("red")):
            inside.set()
            leave.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(20)
    with pytest.raises(ServiceError, match="no room for a picture within 1 s"), pictures.decoded(png("red")):
        pass
    leave.set()
    holder.join()
    with pictures.decoded(png("red")) as image:
        assert image.size == (8, 8)
