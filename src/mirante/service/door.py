"""What every request passes: is there room, is its body small and quick enough; and how long it took, for the log.

Plain ASGI, so that it costs little and answers may stream.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mirante.service.batching import RETRY_AFTER
from mirante.service.logs import log_fault, log_request
from mirante.service.metrics import Metrics
from mirante.service.refusals import response
from mirante.service.settings import Limits

GUARDED = "/v1/"
"""Paths that count as under way; health and metrics answer also where there is no room."""
_DRAINED = 10
"""A body of up to so many times the limit is read to its end before it is refused, so that the refusal is heard."""
_NOTHING_SENT = 499
"""Status of a request whose answer did not begin, as its client went away."""
_ID = re.compile(rb"[\w-]{1,64}")


class Door:
    """Lets requests in.

    Args:
        app: what answers them.
        limits: `requests`, `upload_bytes` and `seconds` of them.
        metrics: are told of each.
    """

    def __init__(self, app: ASGIApp, limits: Limits, metrics: Metrics) -> None:
        self._app, self._limits, self._metrics, self.under_way = app, limits, metrics, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        seen = _Seen(scope, given.decode() if _ID.fullmatch(given) else uuid4().hex, send)
        counted = scope["path"].startswith(GUARDED)
        self.under_way += counted
        scope.setdefault("state", {})["under_way"] = self.under_way
        try:
            await self._answer(scope, _Body(receive, self._limits), seen, counted=counted, headers=headers)
        finally:
            self.under_way -= counted
            self._tell(seen)

    async def _answer(
        self, scope: Scope, body: "_Body", seen: "_Seen", *, counted: bool, headers: Mapping[bytes, bytes]
    ) -> None:
        if counted and self.under_way > self._limits.requests:
            self._metrics.count("mirante_refused_total", reason="busy")
            message = f"{self._limits.requests} requests are under way already: ask again in {RETRY_AFTER} s."
            busy = response(429, "busy", message, headers={"Retry-After": str(RETRY_AFTER)})
            await busy(scope, body, seen)
            return
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._limits.upload_bytes:
            self._metrics.count("mirante_refused_total", reason="too-large")
            await body.drain()
            await response(413, "too-large", _too_large(self._limits))(scope, body, seen)
            return
        try:
            await self._app(scope, body, seen)
        except Exception as error:
            log_fault(seen.id, error)
            if seen.status != _NOTHING_SENT:
                raise
            fault = "This should not have happened: the service's log says more."
            await response(500, "unforeseen", fault)(scope, body, seen)

    def _tell(self, seen: "_Seen") -> None:
        route = getattr(seen.scope.get("route"), "path", "other")
        method, seconds = seen.scope["method"] if route != "other" else "other", time.perf_counter() - seen.start
        self._metrics.count("mirante_requests_total", route=route, method=method, status=str(seen.status))
        self._metrics.measure("mirante_request_seconds", seconds, route=route)
        state = seen.scope.get("state", {})
        log_request(
            id=seen.id,
            method=method,
            route=route,
            status=seen.status,
            seconds=round(seconds, 6),
            key=state.get("key"),
            query=state.get("query"),
        )


@dataclass
class _Seen:
    """Sends on, and remembers the status."""

    scope: Scope
    id: str
    send: Send
    status: int = _NOTHING_SENT
    start: float = field(default_factory=time.perf_counter)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.id.encode())]
        await self.send(message)


class _Body:
    """Receives on, until the body is too large or takes too long."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits, self._size, self._whole = receive, limits, 0, False

    async def __call__(self) -> Message:
        if self._whole:  # what follows the body is the end of the connection, which may be waited for
            return await self._receive()
        try:
            message: Message = await asyncio.wait_for(self._receive(), self._limits.seconds)
        except TimeoutError as error:
            raise HTTPException(
                408, f"The body did not come within {self._limits.seconds:g} s: send it again"
            ) from error
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._size > self._limits.upload_bytes:
            raise HTTPException(413, _too_large(self._limits))
        return message

    async def drain(self) -> None:
        """Read a body that is refused to its end, and keep nothing; a very large one is left."""
        size = 0
        while not self._whole and size < _DRAINED * self._limits.upload_bytes:
            try:
                message = await asyncio.wait_for(self._receive(), self._limits.seconds)
            except TimeoutError:
                return
            size += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)


def _too_large(limits: Limits) -> str:
    return f"The body is larger than {limits.upload_bytes:,} bytes: send a smaller picture or request."
