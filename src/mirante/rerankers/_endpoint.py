"""An HTTP address that takes JSON: asked again while it is busy or fails, its key never shown, no redirect followed."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        body = json.dumps(content).encode("utf-8")
        request = Request(self.url + path, body, headers)  # noqa: S310 - see open_endpoint
        answer = self._once(request)
        for turn in range(TRIES - 1):
            if not answer.passing:
                break
            self._wait(min(max(2.0**turn, answer.after), LONGEST))
            answer = self._once(request)
        return answer

    def _once(self, request: Request) -> Answer:
        try:
            with self._open(request, timeout=TIMEOUT) as found:
                return self._answer(found.status, found.read(MOST), found.headers.get(AFTER))
        except URLError as error:
            if isinstance(error.reason, TimeoutError):
                return self._answer(0, b"timed out")
            raise ModelError(
                f"Cannot reach {self.url!r} ({error.reason}): start the server there, or check the address."
            ) from error
        except (OSError, HTTPException) as error:
            return self._answer(0, (str(error) or type(error).__name__).encode("utf-8"))

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


def _is_whole(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number, or none that there is
        return False
    return named and url.isprintable() and " " not in url
