"""Items added and deleted. A change is on the disk before it is answered."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Form

from mirante.errors import DataError, ServiceError
from mirante.search import Entry, Gallery
from mirante.service import documents
from mirante.service.auth import guarded
from mirante.service.desk import AtDesk, Desk
from mirante.service.documents import Written, refusals
from mirante.service.pictures import forget, keep
from mirante.service.shelf import Shelved
from mirante.types import Embeddings, Vectors

router = APIRouter(
    prefix="/v1",
    tags=["items"],
    dependencies=[guarded("write")],
    responses=refusals(400, 401, 403, 404, 408, 409, 413, 422, 429, 503, 504),
)


@router.post("/items", status_code=201)
def add(asked: Annotated[documents.Added, Form()], desk: AtDesk) -> Written:
    """Add an item, or put it in the place of the one that has its id."""
    shelved = desk.shelf.get(asked.index)
    data = asked.image.file.read() if asked.image else None
    rows = Embeddings((asked.id,), _row(desk, shelved, asked, data), shelved.encoder.provenance)

    def change(gallery: Gallery) -> None:
        known = gallery.entry(asked.id)
        before = known.path if known else None
        path = str(keep(gallery.folder, asked.id, data)) if data is not None else None
        try:
            gallery.add(rows, [Entry(asked.id, tuple(asked.captions), asked.metadata, path)])
        except DataError:  # raised before anything is written; after other errors the file may be needed
            forget(gallery.folder, path if path != before else None)
            raise
        forget(gallery.folder, before if path != before else None)

    written = desk.shelf.write(shelved.name, change)
    return Written(index=shelved.name, ids=[asked.id], count=len(written.gallery))


@router.delete("/items")
def delete(asked: documents.Deleted, desk: AtDesk) -> Written:
    """Delete items; where one of them is not there, none is deleted."""
    shelved, ids = desk.shelf.get(asked.index), list(dict.fromkeys(asked.ids))

    def change(gallery: Gallery) -> None:
        entries = {one: gallery.entry(one) for one in ids}
        missing = [one for one, entry in entries.items() if entry is None]
        if missing:
            told = f"{len(missing)} of {len(ids)} ids are not there, first {missing[0]!r}: leave them out."
            raise ServiceError(404, "unknown-item", told)
        gallery.delete(ids)
        for entry in entries.values():
            forget(gallery.folder, entry.path if entry else None)

    written = desk.shelf.write(shelved.name, change)
    return Written(index=shelved.name, ids=ids, count=len(written.gallery))


def _row(desk: Desk, shelved: Shelved, asked: documents.Added, data: bytes | None) -> Vectors:
    """(1, d) row of what the gallery holds: the picture, or the first caption."""
    if shelved.gallery.holds == "images":
        if data is None:
            raise ServiceError(400, "no-picture", f"The index {shelved.name!r} holds pictures: send one as `image`.")
        with desk.pictures.decoded(data) as image:
            return shelved.encoder.encode_images([image])
    if data is not None or not any(one.strip() for one in asked.captions[:1]):
        raise ServiceError(400, "no-text", f"The index {shelved.name!r} holds texts: send `captions`, and no picture.")
    return np.asarray(shelved.encoder.encode_texts(asked.captions[:1]))
