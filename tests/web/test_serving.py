"""Where the page listens, and what it says when it cannot. Gradio is not loaded here."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from mirante import web
from mirante.errors import UsageError
from mirante.web import server


class Stub:
    """Stands in for the web server: answers each socket once."""

    def __init__(self) -> None:
        self.addresses: list[Any] = []

    def run(self, sockets: list[socket.socket]) -> None:
        self.addresses += [one.getsockname() for one in sockets]
        raise KeyboardInterrupt


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub()
    monkeypatch.setattr(server, "_server", lambda blocks: stub)
    return stub


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    urls: list[str] = []
    monkeypatch.setattr(server.webbrowser, "open", urls.append)
    return urls


@pytest.fixture
def taken() -> Callable[[], int]:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        yield busy.getsockname()[1]


def test_the_page_is_shown_on_the_loopback_until_interrupted(stub: Stub, opened: list[str]) -> None:
    told: list[str] = []
    web.serve(object(), port=0, announce=told.append)
    ((host, port),) = stub.addresses
    assert host == "127.0.0.1"
    assert told == opened == [f"http://127.0.0.1:{port}/"]


def test_no_browser_is_opened_unless_wanted(stub: Stub, opened: list[str]) -> None:
    web.serve(object(), port=0, open_browser=False)
    assert opened == []


def test_a_taken_port_is_one_clear_message(taken: int, stub: Stub, opened: list[str]) -> None:
    with pytest.raises(UsageError, match=rf"cannot be served at 127\.0\.0\.1:{taken} .*choose another port"):
        web.serve(object(), port=taken)
    assert (stub.addresses, opened) == ([], [])


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_port_that_does_not_exist_is_one_clear_message(port: int) -> None:
    with pytest.raises(UsageError, match=f"at port {port}: choose 1 to 65535"):
        web.serve(object(), port=port)


def test_an_address_of_another_machine_is_one_clear_message() -> None:
    with pytest.raises(UsageError, match=r"cannot be served at 192\.0\.2\.1"):
        web.serve(object(), host="192.0.2.1")


def test_where_the_usual_port_is_taken_any_free_one_serves(
    taken: int, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_PORT", taken)
    web.serve(object(), open_browser=False)
    ((_, port),) = stub.addresses
    assert port not in (0, taken)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_an_address_of_version_6_stands_in_brackets(stub: Stub) -> None:
    told: list[str] = []
    try:
        web.serve(object(), host="::1", port=0, open_browser=False, announce=told.append)
    except UsageError:
        pytest.skip("this machine has no ::1")
    assert told == [f"http://[::1]:{stub.addresses[0][1]}/"]
