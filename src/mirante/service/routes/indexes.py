"""Which indexes are served, and one put in the place of another while requests go on."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from mirante.errors import ServiceError, StoreError
from mirante.service import documents
from mirante.service.auth import guarded
from mirante.service.desk import AtDesk
from mirante.service.documents import IndexDocument, Indexes, refusals
from mirante.service.shelf import Shelved

router = APIRouter(
    prefix="/v1", tags=["indexes"], dependencies=[guarded("search")], responses=refusals(401, 403, 429, 503)
)
admin = APIRouter(
    prefix="/v1",
    tags=["indexes"],
    dependencies=[guarded("admin")],
    responses=refusals(400, 401, 403, 404, 408, 409, 413, 422, 429, 503),
)


@router.get("/indexes")
def indexes(desk: AtDesk) -> Indexes:
    """Every index that is served."""
    return Indexes(indexes=[_described(one) for one in desk.shelf])


@admin.post("/indexes/{name}/swap")
def swap(
    name: Annotated[str, InPath(max_length=64, description="name of the index", examples=["birds"])],
    asked: documents.Swapped,
    desk: AtDesk,
) -> IndexDocument:
    """Open another gallery whole, then let it answer to this name; requests under way end on the old one."""
    try:
        return _described(desk.shelf.swap(name, Path(asked.folder)))
    except StoreError as error:
        raise ServiceError(409, "no-gallery", str(error)) from error


def _described(one: Shelved) -> IndexDocument:
    held = one.gallery
    return IndexDocument(
        name=one.name,
        holds=held.holds,
        kind=held.kind,
        count=len(held),
        dim=held.dim,
        model=held.provenance.model,
        fields=list(held.fields),
        created=held.manifest.created,
        calibrated=held.calibration is not None,
        rerank=list(one.rerankers),
    )
