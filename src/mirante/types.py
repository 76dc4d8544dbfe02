"""The nouns that every layer speaks: frozen, documented shapes, ids and never positions.

Data flows one way: `Item`s (a `Picture` and its `Caption`s) become `Pairs`; an `Encoder` turns them into
`Embeddings`; a search for a `Query` gives a `Run`; `Qrels` judge it; a `Protocol` travels with every number.
Nothing here imports torch, transformers or faiss.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias, runtime_checkable
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from mirante.errors import DataError, UnknownName

Vectors: TypeAlias = NDArray[np.float32]
Scalar: TypeAlias = str | int | float | bool
Metadata: TypeAlias = Mapping[str, Scalar]
Direction: TypeAlias = Literal["text_to_image", "image_to_text"]

DIRECTIONS: tuple[Direction, ...] = ("text_to_image", "image_to_text")
TIE_RULE = "score descending as float32, then id descending (trec_eval)"


@dataclass(frozen=True, slots=True)
class Picture:
    """One image: its id, the hash of its content, and how to get its pixels.

    Args:
        id: unique within a data set; never a position.
        content: hash of the encoded bytes (or of what determines the pixels); equal content is one image.
        load: returns an RGB image, or raises `UnreadableImage`.
        metadata: fields that can be filtered on.
        path: the file behind it, where there is one.
    """

    id: str
    content: str
    load: Callable[[], Image] = field(repr=False, compare=False)
    metadata: Metadata = field(default_factory=dict, compare=False)
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Caption:
    """One text about an image; `language` is a BCP 47 tag such as `"pt-BR"`, or `""` where unknown.

    `listed` says that the data held it in a list that was written as one text, such as `"['a dog', 'two dogs']"`.
    """

    id: str
    text: str
    language: str = ""
    listed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a data set: a picture and all of its captions."""

    picture: Picture
    captions: tuple[Caption, ...]


class Dataset(Interface):
    """Where items come from. Reading is streamed and decodes no pixels."""

    @property
    def name(self) -> str:
        """The address that opens it again, without the split."""

    @property
    def revision(self) -> str:
        """What pins its content (a commit, a hash of the file list, a seed)."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of its splits, at least one."""

    @property
    def columns(self) -> Mapping[str, str]:
        """The role of each column used, e.g. `{"image": "photo", "text": "caption"}`."""

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the items of `split`, captions in `language` only where it is given."""


@dataclass(frozen=True)
class Pairs:
    """Images, captions and the sparse many-to-many relevance between them.

    Args:
        images: unique ids, unique contents.
        captions: unique ids.
        relevance: caption id → ids of every image that it describes; each caption has at least one.
        name: data address with split, for people and protocols.
        merged: ids of images whose content equals an earlier one → the id that stands for them.
    """

    images: tuple[Picture, ...]
    captions: tuple[Caption, ...]
    relevance: Mapping[str, frozenset[str]]
    name: str = ""
    merged: Mapping[str, str] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The language of all captions, `""` where there are several."""
        languages = {caption.language for caption in self.captions}
        return languages.pop() if len(languages) == 1 else ""

    @classmethod
    def from_items(cls, items: Iterable[Item], name: str = "") -> Self:
        """Gather items: equal contents become one image, whose captions describe it all together.

        Raises:
            DataError: an image or caption id occurs twice.
        """
        images: dict[str, Picture] = {}
        by_content: dict[str, str] = {}
        captions: dict[str, Caption] = {}
        relevance: dict[str, frozenset[str]] = {}
        merged: dict[str, str] = {}
        for item in items:
            picture = item.picture
            if picture.id in images or picture.id in merged:
                raise DataError(
                    f"Image id {picture.id!r} occurs twice in {name or 'the data'}: give each row its own id."
                )
            stands = by_content.setdefault(picture.content, picture.id)
            if stands == picture.id:
                images[picture.id] = picture
            else:
                merged[picture.id] = stands
            for caption in item.captions:
                if caption.id in captions:
                    raise DataError(
                        f"Caption id {caption.id!r} occurs twice in {name or 'the data'}: give each caption its own id."
                    )
                captions[caption.id] = caption
                relevance[caption.id] = frozenset((stands,))
        return cls(tuple(images.values()), tuple(captions.values()), relevance, name, merged)

    def without_images(self, ids: Iterable[str]) -> Self:
        """Drop images (unreadable ones, say) and every caption that then describes none."""
        gone = frozenset(ids)
        relevance = {c: kept for c, images in self.relevance.items() if (kept := images - gone)}
        return replace(
            self,
            images=tuple(image for image in self.images if image.id not in gone),
            captions=tuple(caption for caption in self.captions if caption.id in relevance),
            relevance=relevance,
        )

    def sharing_equal_captions(self) -> Self:
        """Let captions with the same text (case and outer space aside) share their positives."""
        together: dict[str, frozenset[str]] = {}
        for caption in self.captions:
            key = caption.text.strip().casefold()
            together[key] = together.get(key, frozenset()) | self.relevance[caption.id]
        shared = {caption.id: together[caption.text.strip().casefold()] for caption in self.captions}
        return replace(self, relevance=shared)

    def qrels(self, direction: Direction) -> "Qrels":
        """The relevance to judge a run of `direction` by."""
        if direction == "text_to_image":
            return Qrels({caption: dict.fromkeys(sorted(images), 1) for caption, images in self.relevance.items()})
        inverse: dict[str, dict[str, int]] = {}
        for caption, images in self.relevance.items():
            for image in images:
                inverse.setdefault(image, {})[caption] = 1
        return Qrels({image.id: inverse[image.id] for image in self.images if image.id in inverse})


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a set of vectors: two sets may be compared only when model, revision and dimension agree.

    Args:
        model: address that opens the model again (a path, a hub id, an embedded name).
        revision: commit or hash of the weights.
        preprocessing: fingerprint of everything between a picture or text and the network.
        data: fingerprint of the data, `""` for queries.
        parts: unit vectors that a row holds side by side; of more than one the nearest counts (`mirante.nearest`).
    """

    model: str
    revision: str
    preprocessing: str
    data: str = ""
    parts: int = 1

    def same_space(self, other: "Provenance") -> bool:
        """Whether vectors of both live in one space (the model's name may differ, its weights may not)."""
        return (self.revision, self.preprocessing) == (other.revision, other.preprocessing)


@dataclass(frozen=True)
class Embeddings:
    """Rows of length 1 with their ids.

    Args:
        ids: n ids, unique.
        vectors: (n, d) float32, each row of L2 norm 1.
        provenance: what made them.
    """

    ids: tuple[str, ...]
    vectors: Vectors
    provenance: Provenance

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.vectors.dtype != np.float32 or len(self.ids) != len(self.vectors):
            raise DataError(
                f"Embeddings need (n, d) float32 rows and n ids, not {self.vectors.dtype} {self.vectors.shape} "
                f"and {len(self.ids)} ids: convert and align them first."
            )

    def select(self, ids: Iterable[str]) -> Self:
        """The rows of `ids`, in that order.

        Raises:
            DataError: an id has no row.
        """
        row = {known: position for position, known in enumerate(self.ids)}
        wanted = tuple(ids)
        missing = [one for one in wanted if one not in row]
        if missing:
            raise DataError(f"{len(missing)} ids have no embedding, first {missing[0]!r}: embed the data again.")
        return replace(self, ids=wanted, vectors=self.vectors[[row[one] for one in wanted]])


class Encoder(Interface):
    """Turns pictures and texts into rows of one space.

    A text or picture embeds the same alone and in any batch (to float tolerance).
    """

    @property
    def provenance(self) -> Provenance:
        """Model address, revision and preprocessing fingerprint; `data` is empty."""

    @property
    def dim(self) -> int:
        """Width d of its rows."""

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1."""


@runtime_checkable
class Preparing(Interface):
    """What an encoder may offer besides: pictures made ready one by one, in other threads than the network's."""

    def prepare(self, image: Image) -> Any:
        """An RGB picture → what the network reads of it, smaller than the picture as a rule; threads may share it."""

    def encode_prepared(self, prepared: Sequence[Any]) -> Vectors:
        """What `prepare` gave for each of n pictures → the rows that `encode_images` gives them, (n, d)."""


@dataclass(frozen=True, slots=True)
class Term:
    """One weighted part of a query: a text or a picture, exactly one of them."""

    weight: float
    text: str | None = None
    image: Image | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Query:
    """A weighted sum of texts and pictures (`+` and `−`), with metadata filters (`field → wanted value`)."""

    terms: tuple[Term, ...]
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Qrels:
    """Query id → relevant id → grade (1 or more)."""

    grades: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Run:
    """Ranked answers to each query.

    Args:
        queries: q query ids.
        documents: n ids that `indices` points into.
        indices: (q, k) int32 rows of `documents`, best first, −1 where a query has fewer than k answers.
        scores: (q, k) float32, not increasing along a row; −inf where padded.
        name: what made it, the last column of a TREC file.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    indices: NDArray[np.int32]
    scores: Vectors
    name: str = "mirante"

    def ranking(self, query: str) -> list[tuple[str, float]]:
        """The (id, score) pairs of one query, best first.

        Raises:
            UnknownName: the run has no such query.
        """
        if query not in self.queries:
            raise UnknownName("query", query, self.queries[:20])
        row = self.queries.index(query)
        found = zip(self.indices[row].tolist(), self.scores[row].tolist(), strict=True)
        return [(self.documents[i], score) for i, score in found if i >= 0]


@dataclass(frozen=True, slots=True)
class Protocol:
    """The conditions of a measurement. Numbers under different protocols never share a column.

    Args:
        data: address with split.
        language: of the captions, `""` for all.
        direction: which side asks.
        gallery: number of candidates.
        queries: number of queries.
        captions_per_image: mean.
        equal_captions: `"shared"` positives among equal texts, or as the data gives them.
        depth: candidates ranked per query; equal to `gallery` when the ranking is full.
        dropped: images left out because they could not be read.
        ties: the rule that orders equal scores.
        first_captions: only so many captions of each image ask or are asked for, in the data's order; 0 for all.
        fraction: share of the images, drawn at random; 1 for all.
        seed: of that draw, 0 where nothing was drawn.
        folds: parts of the images with a gallery each; the figures are over the queries of all parts.
    """

    data: str
    language: str
    direction: Direction
    gallery: int
    queries: int
    captions_per_image: float
    equal_captions: Literal["shared", "as given"]
    depth: int
    dropped: int = 0
    ties: str = TIE_RULE
    first_captions: int = 0
    fraction: float = 1.0
    seed: int = 0
    folds: int = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value and its 95 % interval; `low` and `high` equal `value` where none was computed."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """One line of a report: a model on a data set in one direction, under one protocol.

    Args:
        model: model address.
        data: data address with split.
        protocol: the conditions.
        metrics: metric name → estimate, e.g. `hit_rate@1`, `recall@5`, `mrr`, `ndcg@10`, `map`.
        provenance: of the vectors behind it.
        details: extra figures that a report draws (histograms, per-query ranks); plain JSON values.
    """

    model: str
    data: str
    protocol: Protocol
    metrics: Mapping[str, Estimate]
    provenance: Provenance
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def direction(self) -> Direction:
        """Which side asked."""
        return self.protocol.direction
