"""Answers about an index, streamed as server-sent events: what was found, pieces of text, the whole.

The stream is text of the WHATWG HTML standard, section 9.2: events `hits`, `text` (as often as there are pieces), then
`answer`, or `error` where the generator fails on the way. The data of each is one JSON document.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from mirante.asking import Reply, stream
from mirante.errors import MiranteError, ServiceError
from mirante.service import documents
from mirante.service.auth import guarded
from mirante.service.desk import AtDesk, Desk, note
from mirante.service.documents import HitDocument, refusals
from mirante.service.refusals import document_of

router = APIRouter(
    prefix="/v1",
    tags=["answers"],
    dependencies=[guarded("search")],
    responses=refusals(400, 401, 403, 404, 408, 413, 422, 429, 503, 504),
)
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["hits", "text", "answer", "error"]},
        "data": {"type": "string", "description": "a JSON document"},
    },
    "required": ["event", "data"],
}
"""What each event of the stream is."""
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "events `hits`, `text`, then `answer` or `error`",
        "content": {
            "text/event-stream": {
                "schema": _EVENT,
                "example": {"event": "text", "data": '{"text": "A yellow star [test-41]."}'},
            }
        },
    }
}


@router.post("/ask", response_class=StreamingResponse, responses=_EVENTS)
def ask(asked: documents.Question, request: Request, desk: AtDesk) -> StreamingResponse:
    """An answer that cites the items it rests on; where nothing matches, that is the answer."""
    note(request, {"question": asked.question, "where": asked.where})
    if not desk.answering.acquire(blocking=False):
        most = desk.config.limits.answers
        raise ServiceError(429, "busy", f"{most} answers are being written already: ask again later.", retry_after=5)
    try:
        events = _events(_reply(desk, asked), desk)
    except BaseException:
        desk.answering.release()
        raise
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def _reply(desk: Desk, asked: documents.Question) -> Reply:
    shelved = desk.shelf.get(asked.index)
    chain = shelved.chain(asked.rerank)
    settings = replace(
        desk.settings, k=asked.k, where=asked.where, rerankers=chain, depth=asked.depth, language=asked.language
    )
    return stream(shelved.gallery, shelved.encoder, asked.question, desk.generator, settings=settings)


def _events(reply: Reply, desk: Desk) -> Iterator[str]:
    """The events of an answer; whoever goes away early stops the generator."""
    try:
        hits = [HitDocument.of(one).model_dump() for one in reply.hits]
        yield _event("hits", {"hits": hits, "found": reply.found})
        for piece in reply:
            yield _event("text", {"text": piece})
        told = reply.answer().to_dict()
        yield _event("answer", {**told, "hits": hits})
    except MiranteError as error:
        yield _event("error", document_of(error)[1])
    finally:
        reply.close()
        desk.answering.release()


def _event(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
