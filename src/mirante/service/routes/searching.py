"""Search by text, by picture and by sums of them; items like one that is there."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request

from mirante.errors import ServiceError
from mirante.retrieval import Found, Retrieval, retrieve, retrieve_each
from mirante.search import parse_terms
from mirante.service import documents
from mirante.service.auth import guarded
from mirante.service.desk import AtDesk, Desk, note
from mirante.service.documents import Count, HitDocument, Hits, IndexName, refusals
from mirante.service.shelf import Shelved
from mirante.types import Query as Asked

router = APIRouter(
    prefix="/v1",
    tags=["search"],
    dependencies=[guarded("search")],
    responses=refusals(400, 401, 403, 404, 408, 413, 422, 429, 503, 504),
)


@router.post("/search")
def search(asked: documents.SearchRequest, request: Request, desk: AtDesk) -> Hits:
    """The best items for a text, a sum or a difference of texts; re-ranked on request."""
    note(request, {"text": asked.text, "plus": asked.plus, "minus": asked.minus, "where": asked.where})
    shelved = desk.shelf.get(asked.index)
    query = Asked(parse_terms(asked.text, plus=asked.plus, minus=asked.minus), asked.where)
    reach = _reach(desk, asked.k, asked.offset)
    return _page(shelved, _found(shelved, query, reach, asked), k=asked.k, offset=asked.offset)


@router.post("/search/image")
def search_by_picture(asked: Annotated[documents.PictureSearch, Form()], request: Request, desk: AtDesk) -> Hits:
    """The best items for a picture, with texts added or taken away."""
    note(request, {"image": True, "text": asked.text, "plus": asked.plus, "minus": asked.minus, "where": asked.where})
    shelved, reach = desk.shelf.get(asked.index), _reach(desk, asked.k, asked.offset)
    with desk.pictures.decoded(asked.image.file.read()) as image:
        terms = parse_terms(asked.text, [image], plus=asked.plus, minus=asked.minus)
        found = _first_stage(shelved, Asked(terms, asked.where), reach)
    return _page(shelved, found, k=asked.k, offset=asked.offset)


@router.get("/items/{id:path}/similar")
def similar(
    id: Annotated[str, Path(min_length=1, max_length=500, description="id of the item", examples=["test-41"])],
    desk: AtDesk,
    k: Annotated[Count, Query()] = 10,
    index: Annotated[IndexName, Query()] = None,
) -> Hits:
    """The items nearest to one that is in the index, without itself."""
    shelved = desk.shelf.get(index)
    if shelved.gallery.entry(id) is None:
        raise ServiceError(404, "unknown-item", f"The index {shelved.name!r} has no item {id!r}: name one that it has.")
    hits = shelved.gallery.similar(id, k + 1)
    found = tuple(Found(hit, at, at) for at, hit in enumerate(hits, 1))
    return _page(shelved, Retrieval(found), k=k, offset=0)


def _reach(desk: Desk, k: int, offset: int) -> int:
    """How many answers are to be found for this page, and to know whether there is another one."""
    most = desk.config.limits.results
    if offset + k > most:
        raise ServiceError(
            400, "too-deep", f"Answers {offset + 1} to {offset + k} are asked, the last is {most}: ask less."
        )
    return offset + k + 1


def _first_stage(shelved: Shelved, query: Asked, reach: int) -> Retrieval:
    """What is found without re-rankers, in one call with the queries that came at the same time."""
    gallery, encoder = shelved.gallery, shelved.encoder

    def work(queries: Sequence[Asked]) -> list[Retrieval]:
        return retrieve_each(gallery, encoder.encoder, queries, reach)

    return encoder.gather(query, work, (gallery, reach))


def _found(shelved: Shelved, query: Asked, reach: int, asked: documents.SearchRequest) -> Retrieval:
    chain = shelved.chain(asked.rerank)
    if not chain:
        return _first_stage(shelved, query, reach)
    return retrieve(shelved.gallery, shelved.encoder, query, reach, rerankers=chain, depth=asked.depth)


def _page(shelved: Shelved, found: Retrieval, *, k: int, offset: int) -> Hits:
    return Hits(
        hits=[HitDocument.of(one) for one in found[offset : offset + k]],
        nothing_matches=found.nothing_matches,
        more=len(found) > offset + k,
        index=shelved.name,
        model=shelved.gallery.provenance.model,
    )
