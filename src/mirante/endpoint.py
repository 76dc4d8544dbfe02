"""An HTTP address that takes JSON: asked again while it is busy or fails, its key never shown, no redirect followed."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, Request, build_opener

from mirante.errors import ModelError, UsageError

KEY = "MIRANTE_API_KEY"
"""The environment variable whose value is sent as a bearer token."""
TIMEOUT = 60.0
"""Seconds without a sign of life before a try counts as failed."""
TRIES = 5
LONGEST = 30.0
"""Seconds between two tries at most."""
BUSY = 429
AFTER = "Retry-After"
MOST = 1 << 20
"""Bytes of an answer that are read."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: of HTTP; 0 where nothing came.
        body: what was answered, or why nothing was.
        after: seconds that the server asks to wait.
    """

    status: int
    body: bytes
    after: float = 0.0

    @property
    def passing(self) -> bool:
        """Whether the same question may be answered later."""
        return self.status in (0, BUSY) or self.status >= 500

    def __str__(self) -> str:
        said = " ".join(self.body[:800].decode("utf-8", "replace").split())[:200]
        return f"answered {self.status}: {said}" if self.status else f"did not answer: {said}"


class Refused(ModelError):
    """A server answered a request with an error.

    Args:
        url: of the server.
        answer: what it said.
    """

    def __init__(self, url: str, answer: Answer) -> None:
        self.answer = answer
        super().__init__(f"{url!r} {answer}. Check its log, the model's name, and the key in {KEY}.")


class Endpoint:
    """An address that JSON is posted to.

    Args:
        url: http or https, without a slash at its end.
        key: sent as a bearer token; empty for none.
        wait: sleeps for some seconds.
    """

    def __init__(self, url: str, key: str = "", *, wait: Callable[[float], None] = time.sleep) -> None:
        self.url, self._key, self._wait = url, key, wait
        self._open = build_opener(_AsItIs).open

    def post(self, path: str, content: Mapping[str, Any]) -> Answer:
        """Post `content`; what comes back at last, after `TRIES` at most, each twice as much later than the one before.

        Raises:
            ModelError: there is no connection.
        """
        request = self._request(path, content)
        found: Answer = self._insist(lambda: self._once(request))
        return found

    def lines(self, path: str, content: Mapping[str, Any]) -> Iterator[str]:
        """Post `content`; the lines of what comes back as they come, for servers that stream.

        A busy server is asked again as by `post`, until the first line is there. Closing the iterator hangs up.

        Raises:
            Refused: the server answers with an error.
            ModelError: there is no connection, it breaks, or the answer has no end.
        """
        request = self._request(path, content)
        found = self._insist(lambda: self._begun(request))
        if isinstance(found, Answer):
            raise Refused(self.url, found)
        yield from self._read(found)

    def _insist(self, ask: Callable[[], Any]) -> Any:
        """What `ask` gives at last: again, each time later, while it is an answer that may pass."""
        found = ask()
        for turn in range(TRIES - 1):
            if not (isinstance(found, Answer) and found.passing):
                break
            self._wait(min(max(2.0**turn, found.after), LONGEST))
            found = ask()
        return found

    def _once(self, request: Request) -> Answer:
        """What was answered, whole."""
        found = self._opened(request)
        return found if isinstance(found, Answer) else self._whole(found)

    def _begun(self, request: Request) -> Any:
        """The open response, or what was answered in its place."""
        found = self._opened(request)
        return found if isinstance(found, Answer) or found.status == HTTPStatus.OK else self._whole(found)

    def _opened(self, request: Request) -> Any:
        """The response, still to be read, or why there is none."""
        try:
            return self._open(request, timeout=TIMEOUT)
        except URLError as error:
            if isinstance(error.reason, TimeoutError):
                return self._answer(0, b"timed out")
            raise ModelError(
                f"Cannot reach {self.url!r} ({error.reason}): start the server there, or check the address."
            ) from error
        except (OSError, HTTPException) as error:
            return self._nothing(error)

    def _whole(self, response: Any) -> Answer:
        try:
            with response:
                return self._answer(response.status, response.read(MOST), response.headers.get(AFTER))
        except (OSError, HTTPException) as error:
            return self._nothing(error)

    def _nothing(self, error: Exception) -> Answer:
        return self._answer(0, (str(error) or type(error).__name__).encode("utf-8"))

    def _read(self, response: Any) -> Iterator[str]:
        """Its lines, without the key, up to `MOST` bytes."""
        left = MOST
        with response:
            while True:
                try:
                    line = response.readline(left)
                except (OSError, HTTPException) as error:
                    raise ModelError(
                        f"{self.url!r} stopped in the middle of its answer ({error}): ask again."
                    ) from error
                if not line:
                    return
                left -= len(line)
                if left <= 0:
                    raise ModelError(f"{self.url!r} answers with more than {MOST} bytes: ask for a shorter answer.")
                yield self._answer(0, line).body.decode("utf-8", "replace").rstrip("\r\n")

    def _request(self, path: str, content: Mapping[str, Any]) -> Request:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        return Request(self.url + path, json.dumps(content).encode("utf-8"), headers)  # noqa: S310 - see open_endpoint

    def _answer(self, status: int, body: bytes, after: str | None = None) -> Answer:
        """Some servers repeat the key in what they answer: it goes no further."""
        body = body.replace(self._key.encode("ascii"), b"***") if self._key else body
        return Answer(status, body, float(after) if after and after.isdecimal() else 0.0)


class _AsItIs(HTTPErrorProcessor):
    """Any status is an answer, a redirect too: the host that it names would get the key."""

    def http_response(self, request: Request, response: Any) -> Any:
        """The response."""
        return response

    https_response = http_response


def open_endpoint(url: str) -> Endpoint:
    """The endpoint at `url`, with the key of `MIRANTE_API_KEY`.

    Raises:
        UsageError: the address is not `http[s]://HOST[:PORT][/PATH]`, or the key cannot be sent.
    """
    if "@" in url or "?" in url:
        raise UsageError(f"An address holds no name, password or query, as it is shown: put the key into {KEY}.")
    if not _is_whole(url):
        raise UsageError(f"{url!r} is no address of a server: write http://HOST:PORT/v1.")
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"The value of {KEY} has signs that cannot be sent: set it to the key alone.")
    return Endpoint(url.rstrip("/"), key)


def open_model(address: str, kind: str) -> tuple[Endpoint, str]:
    """The endpoint and the model's name of `http://HOST:PORT/v1#MODEL`; nothing is sent yet.

    Args:
        address: of the server, up to and including the version, and the name of a model there.
        kind: what it is written behind, for the message.

    Raises:
        UsageError: the address is wrong, or names no model.
    """
    url, _, model = address.partition("#")
    endpoint = open_endpoint(url)
    if not model:
        raise UsageError(f"{url!r} needs the model's name on the server: write {kind}:{url}#MODEL.")
    return endpoint, model


def _is_whole(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number, or none that there is
        return False
    return named and url.isprintable() and " " not in url
