"""Every refusal becomes one document: `{"error": {"what", "message", "reason"}}`, with its status."""

import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mirante.errors import (
    MiranteError,
    MissingLibrary,
    ModelError,
    ModelMismatch,
    ServiceError,
    StoreError,
    UnreadableImage,
)

_STATUS: tuple[tuple[type[MiranteError], int], ...] = (
    (ModelMismatch, 409),
    (UnreadableImage, 422),
    (MissingLibrary, 503),
    (ModelError, 503),
    (StoreError, 503),
    (MiranteError, 400),
)
_WHAT = {404: "not-found", 405: "wrong-method", 413: "too-large", 415: "wrong-type"}


def response(status: int, what: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The document of a refusal."""
    return JSONResponse(_document(what, message), status, headers)


def document_of(error: MiranteError) -> tuple[int, dict[str, Any]]:
    """Status and document of an error of ours."""
    if isinstance(error, ServiceError):
        return error.status, _document(error.what, str(error))
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    reason = error.reason if isinstance(error, UnreadableImage) else None
    what = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
    return 413 if reason == "too-large" else status, _document(what, str(error), reason)


def _document(what: str, message: str, reason: str | None = None) -> dict[str, Any]:
    return {"error": {"what": what, "message": message, "reason": reason}}


def handle(app: FastAPI) -> None:
    """Let `app` answer every refusal with a document; what is unforeseen meets `door`."""
    app.add_exception_handler(MiranteError, _of_ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _of_ours(_: Request, error: Any) -> JSONResponse:
    status, document = document_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if getattr(error, "retry_after", None):
        headers["Retry-After"] = str(error.retry_after)
    return JSONResponse(document, status, headers)


async def _invalid(_: Request, error: Any) -> JSONResponse:
    """Where the request breaks the schema; what was sent is not repeated."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return response(422, "invalid", f"{where}: {first['msg']}. Mend it; /openapi.json says what is expected.")


async def _http(_: Request, error: Any) -> JSONResponse:
    what = _WHAT.get(error.status_code, "refused")
    return response(error.status_code, what, f"{error.detail}.".replace("..", "."), headers=dict(error.headers or {}))
