"""What a picture is, in words: captions for it, and labels."""

from typing import Annotated

from fastapi import APIRouter, Form

from mirante.classification import Label, ZeroShot, read_templates
from mirante.errors import ServiceError
from mirante.search import Hit, search
from mirante.service import documents
from mirante.service.auth import guarded
from mirante.service.desk import AtDesk
from mirante.service.documents import CaptionDocument, Captions, LabelDocument, Labels, refusals
from mirante.types import Query, Term

router = APIRouter(
    prefix="/v1",
    tags=["pictures"],
    dependencies=[guarded("search")],
    responses=refusals(400, 401, 403, 404, 408, 413, 422, 429, 503, 504),
)


@router.post("/captions")
def captions(asked: Annotated[documents.Captioned, Form()], desk: AtDesk) -> Captions:
    """Texts for a picture: of an index of texts the nearest ones, else those of the nearest pictures."""
    shelved = desk.shelf.get(asked.index)
    with desk.pictures.decoded(asked.image.file.read()) as image:
        hits = search(shelved.gallery, shelved.encoder, Query((Term(1.0, image=image),)), asked.k)
    return Captions(
        captions=_words(hits)[: asked.k],
        source=shelved.gallery.holds,
        index=shelved.name,
        model=shelved.gallery.provenance.model,
    )


@router.post("/classify")
def classify(asked: Annotated[documents.Labelled, Form()], desk: AtDesk) -> Labels:
    """Labels for a picture, with probabilities among them."""
    if len(set(asked.labels)) != len(asked.labels) or len(asked.labels) > desk.config.limits.labels:
        most = desk.config.limits.labels
        raise ServiceError(400, "labels", f"Give each label once, and at most {most}, not {len(asked.labels)} of them.")
    shelved = desk.shelf.get(asked.index)
    with desk.pictures.decoded(asked.image.file.read()) as image:
        row = shelved.encoder.encode_images([image])[0]
    labels = [Label(one, one) for one in asked.labels]
    zero = ZeroShot.of(shelved.encoder, labels, read_templates("simple", asked.language))
    found = [LabelDocument(**{name: one[name] for name in LabelDocument.model_fields}) for one in zero.ranked(row)]
    return Labels(labels=found, index=shelved.name, model=shelved.gallery.provenance.model)


def _words(hits: list[Hit]) -> list[CaptionDocument]:
    """Each text once, under the best item that has it."""
    found: dict[str, CaptionDocument] = {}
    for hit in hits:
        for text in hit.captions:
            found.setdefault(text, CaptionDocument(text=text, score=hit.score, relevance=hit.relevance, id=hit.id))
    return list(found.values())
