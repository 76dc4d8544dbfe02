"""What goes in and what comes out, as the OpenAPI document shows it."""

from typing import Annotated, Any, TypeAlias

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field, Json, StringConstraints

from mirante.retrieval import Found
from mirante.types import Scalar

Text: TypeAlias = Annotated[str, StringConstraints(max_length=2000)]
Id: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
IndexName: TypeAlias = Annotated[str | None, Field(description="name of an index; the first one where none is given")]
Where: TypeAlias = Annotated[
    dict[str, Text], Field(max_length=16, description="metadata field → wanted value, as text")
]
Terms: TypeAlias = Annotated[list[Text], Field(max_length=16)]
Count: TypeAlias = Annotated[int, Field(ge=1, le=100, description="number of answers")]
Offset: TypeAlias = Annotated[int, Field(ge=0, le=100_000, description="answers to pass over, for later pages")]
Names: TypeAlias = Annotated[list[str], Field(max_length=4, description="re-rankers of the configuration, in order")]
Depth: TypeAlias = Annotated[int, Field(ge=1, le=100, description="first answers that re-rankers put into order")]


class Told(BaseModel):
    """Base of all: what stands below a field describes it in the OpenAPI document."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Document(Told):
    """Base of what goes in: a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class SearchRequest(Document):
    """A query: a text, and terms to add and to take away; each may end in its weight, as in `at night^0.5`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "a yellow star at night", "k": 5},
                {"text": "um gato", "plus": ["na praia"], "minus": ["uma árvore^0.5"], "where": {"style": "ink"}},
            ]
        },
    )

    text: Text | None = None
    """What to look for, in words; may end in its weight, as in `at night^0.5`."""
    plus: Terms = []
    """Texts that are added; each may end in its weight."""
    minus: Terms = []
    """Texts that are taken away; each may end in its weight."""
    where: Where = {}
    k: Count = 10
    offset: Offset = 0
    index: IndexName = None
    rerank: Names = []
    depth: Depth = 20


class PictureSearch(Document):
    """A picture to look for, and what a text query has too; `where` is a JSON object."""

    image: UploadFile
    """The picture, as a file of the form."""
    text: Text | None = None
    """Words that are added to the picture."""
    plus: Terms = []
    """Texts that are added; each may end in its weight."""
    minus: Terms = []
    """Texts that are taken away; each may end in its weight."""
    where: Annotated[Json[Where], Field(description="JSON object: metadata field → wanted value")] = {}
    k: Count = 10
    offset: Offset = 0
    index: IndexName = None


class Question(Document):
    """A question about what an index holds. The answer is in `language`, else in that of the question."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "Which pictures show a star?", "k": 5}]}
    )

    question: Text
    """What you want to know."""
    k: Annotated[int, Field(ge=1, le=20, description="items that the answer may rest on")] = 5
    where: Where = {}
    language: Annotated[str, Field(pattern="^(en|pt)?$")] = ""
    """`en` or `pt`; empty for the question's own."""
    index: IndexName = None
    rerank: Names = []
    depth: Depth = 20


class Captioned(Document):
    """A picture that wants words."""

    image: UploadFile
    """The picture, as a file of the form."""
    k: Count = 5
    index: IndexName = None


class Labelled(Document):
    """A picture, and what it could be."""

    image: UploadFile
    """The picture, as a file of the form."""
    labels: Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=200)]], Field(min_length=2)]
    """What it could be; the field is repeated for each label."""
    language: Annotated[str, Field(pattern="^(en|pt)$", description="language of the prompts, `en` or `pt`")] = "en"
    index: IndexName = None


class Added(Document):
    """An item: a picture for a gallery of pictures; for one of texts its first caption is what is found."""

    id: Id
    """Name of the item; one that is there is replaced."""
    image: UploadFile | None = None
    """The picture, as a file of the form; an index of texts takes none."""
    captions: Terms = []
    """Its captions; the field is repeated for each."""
    metadata: Annotated[Json[dict[str, Scalar]], Field(description="JSON object of plain values")] = {}
    index: IndexName = None


class Deleted(Document):
    """Ids to remove."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"ids": ["star-7"]}]})

    ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    """Ids of the items."""
    index: IndexName = None


class Swapped(Document):
    """A folder that `mirante index` made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"folder": "runs/birds/index-2"}]})

    folder: Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
    """Folder of the other index, on the service's machine."""


class HitDocument(Told):
    """One answer. Ranks count from 1, `before` is that before re-ranking; `relevance` is null until calibrated."""

    id: str
    """Id of the item."""
    rank: int
    """Rank of the answer, from 1."""
    before: int
    """Rank before re-ranking."""
    score: float
    """Cosine with the query, or what the last re-ranker gave."""
    relevance: float | None
    """How likely the answer is relevant; null until the gallery is calibrated."""
    captions: list[str]
    """Captions of the item."""
    metadata: dict[str, Scalar]
    """Metadata of the item, by field."""

    @classmethod
    def of(cls, found: Found) -> "HitDocument":
        """Of an answer. The path of its file is not told."""
        hit = found.hit
        return cls(
            id=hit.id,
            rank=found.rank,
            before=found.before,
            score=hit.score,
            relevance=hit.relevance,
            captions=list(hit.captions),
            metadata=dict(hit.metadata),
        )


class Hits(Told):
    """Answers, best first. `nothing_matches` is null until the gallery is calibrated; `more` says of a next page."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "hits": [
                        {
                            "id": "test-41",
                            "rank": 1,
                            "before": 3,
                            "score": 0.71,
                            "relevance": 0.93,
                            "captions": ["a yellow star at night"],
                            "metadata": {"style": "ink"},
                        }
                    ],
                    "nothing_matches": False,
                    "more": True,
                    "index": "scenes",
                    "model": "scenes",
                }
            ]
        }
    )

    hits: list[HitDocument]
    """Answers, best first."""
    nothing_matches: bool | None
    """Whether nothing in the index fits; null until the gallery is calibrated."""
    more: bool
    """Whether there is a next page."""
    index: str
    """Name of the index."""
    model: str
    """The model that made it."""


class CaptionDocument(Told):
    """A text for a picture, and the item that it belongs to."""

    text: str
    """A text for the picture."""
    score: float
    """Cosine with the picture."""
    relevance: float | None
    """How likely the text fits; null until the gallery is calibrated."""
    id: str
    """Id of the item that has it."""


class Captions(Told):
    """Texts, best first. `source` says whether texts were searched, or captions of the nearest pictures are told."""

    captions: list[CaptionDocument]
    """Texts, best first."""
    source: str
    """`texts`: texts were searched; `images`: captions of the nearest pictures are told."""
    index: str
    """Name of the index."""
    model: str
    """The model that made it."""


class LabelDocument(Told):
    """A label. Probabilities add up to 1; `match` is a sigmoid model's own, whatever the other labels are."""

    label: str
    """The label."""
    probability: float
    """Its probability; those of all labels add up to 1."""
    cosine: float
    """Cosine of the label with the picture."""
    match: float | None
    """A sigmoid model's own probability that the label fits, null for other models."""


class Labels(Told):
    """Every label, most probable first."""

    labels: list[LabelDocument]
    """Every label, most probable first."""
    index: str
    """Name of the index."""
    model: str
    """The model that made it."""


class Written(Told):
    """A change that is on the disk."""

    index: str
    """Name of the index."""
    ids: list[str]
    """Ids of the items."""
    count: Annotated[int, Field(description="rows of the index now")]


class IndexDocument(Told):
    """An index that is served."""

    name: str
    """Its name in requests."""
    holds: str
    """`images` or `texts`."""
    kind: str
    """Kind of the index."""
    count: int
    """Rows."""
    dim: int
    """Width of a row."""
    model: str
    """The model that made it."""
    fields: list[str]
    """Metadata fields that `where` can ask for."""
    created: str
    """When it was made."""
    calibrated: bool
    """Whether it can tell how likely an answer is relevant."""
    rerank: list[str]
    """Re-rankers that a search may ask for."""


class Indexes(Told):
    """All that are served; the first is meant where a request names none."""

    indexes: list[IndexDocument]
    """One entry an index."""


class Health(Told):
    """How the service is."""

    status: str
    """`ok` or `ready`."""


class Refusal(Told):
    """Why not: a short code, and a message that says what is wrong and what to do."""

    what: str
    """Short code."""
    message: str
    """What is wrong, and what to do."""
    reason: str | None = None
    """Of a picture that could not be read, why; else null."""


class ErrorDocument(Told):
    """What every refusal looks like."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"error": {"what": "usage-error", "message": "The query is empty: …", "reason": None}}]
        }
    )

    error: Refusal
    """The refusal."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route other than the good one, for the OpenAPI document."""
    return {one: {"model": ErrorDocument, "description": _MEANING[one]} for one in sorted(statuses)}


_MEANING = {
    400: "the request cannot be answered",
    401: "no known key",
    403: "the key does not open this",
    404: "there is no such index or item",
    408: "the body did not come in time",
    409: "it does not fit what is there",
    413: "larger than the limits",
    422: "not as the schema says, or an unreadable picture",
    429: "too much is under way; see Retry-After",
    503: "the service cannot reach what it needs",
    504: "the answer did not come in time",
}
