"""Answers about a gallery: retrieve, ask a generator about what was found, and let it cite nothing else.

Retrieval-augmented generation (Lewis et al. 2020, arXiv 2005.11401), with pictures. Where the gallery is calibrated and
even the best answer of the search is improbable, no generator is asked: what was looked for is not in the collection.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mirante import messages
from mirante.asking.citations import Citations
from mirante.diagnosis.languages import guess_languages
from mirante.errors import UsageError
from mirante.generation import Asked, Generator, Retrieved, Template
from mirante.rerankers import Reranker
from mirante.retrieval import DEPTH, Found, Pictures, Retrieval, picture_of, retrieve
from mirante.search import Gallery
from mirante.types import Encoder, Query, Term

__all__ = ["Answer", "Reply", "Settings", "ask", "stream"]


@dataclass(frozen=True)
class Settings:
    """How a question is answered.

    Args:
        k: items that the answer may rest on.
        where: metadata field → wanted value; other items are not looked at.
        rerankers: in their order; see `mirante.rerankers.chain`.
        depth: answers of the search that they order anew.
        language: of the answer, `"en"` or `"pt"`; empty for that of the question, as it is guessed.
        template: how models are asked; None for the packaged one.
        pictures: loads pictures of hits; their paths are read without it.
    """

    k: int = 5
    where: Mapping[str, str] = field(default_factory=dict)
    rerankers: tuple[Reranker, ...] = ()
    depth: int = DEPTH
    language: str = ""
    template: Template | None = None
    pictures: Pictures | None = None


@dataclass(frozen=True)
class Answer:
    """What was answered.

    Args:
        text: with citations `[id]` of retrieved items, and of no others.
        citations: ids that the text cites, in the order of their first mention.
        hits: what was retrieved, best first.
        found: whether the collection holds anything that could be meant; where it does not, no generator was asked.
        dropped: what stood in brackets and is no id of a retrieved item; it is not in the text.
        language: of the answer.
        generator: what wrote it.
    """

    text: str
    citations: tuple[str, ...]
    hits: tuple[Found, ...]
    found: bool
    dropped: tuple[str, ...] = ()
    language: str = ""
    generator: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "answer": self.text,
            "found": self.found,
            "citations": list(self.citations),
            "dropped": list(self.dropped),
            "language": self.language,
            "generator": self.generator,
            "hits": [{**one.hit.to_dict(), "rank": one.rank, "before": one.before} for one in self.hits],
        }


class Reply:
    """An answer that is on its way: iterate over it once, then ask for the whole.

    Args:
        retrieval: what was found.
        asked: what the generator is told, None where there is nothing to tell.
        generator: writes the answer.
        language: of the answer.
    """

    def __init__(self, retrieval: Retrieval, asked: Asked | None, generator: Generator, *, language: str) -> None:
        self.hits, self.found, self.language, self.generator = retrieval.found, asked is not None, language, generator
        self._citations = Citations({one.label: one.id for one in reversed(asked.items)} if asked else {})
        self._said: list[str] = []
        self._left = self._pieces(asked)

    def __iter__(self) -> Iterator[str]:
        """Pieces of text as they come; a citation comes whole, and only when it is one.

        Raises:
            ModelError: the generator fails on the way.
        """
        for piece in self._left:
            self._said.append(piece)
            yield piece

    def close(self) -> None:
        """Stop the generator: nobody reads on."""
        self._left.close()

    def answer(self) -> Answer:
        """The whole answer, once it is complete."""
        for _ in self:
            continue
        return Answer(
            text="".join(self._said).strip(),
            citations=tuple(self._citations.cited),
            hits=self.hits,
            found=self.found,
            dropped=tuple(self._citations.dropped),
            language=self.language,
            generator=self.generator.name,
        )

    def _pieces(self, asked: Asked | None) -> Any:
        if asked is None:
            yield messages.text("ask.not-found", self.language)
            return
        yield from self._citations.checked(self.generator.generate(asked))


def ask(
    gallery: Gallery,
    encoder: Encoder,
    question: str,
    generator: Generator,
    *,
    settings: Settings = Settings(),
) -> Answer:
    """Answer `question` from what `gallery` holds; see `stream`."""
    return stream(gallery, encoder, question, generator, settings=settings).answer()


def stream(
    gallery: Gallery,
    encoder: Encoder,
    question: str,
    generator: Generator,
    *,
    settings: Settings = Settings(),
) -> Reply:
    """Retrieve at once, then answer piece by piece; the generator begins when the reply is iterated.

    Args:
        gallery: made by the model of `encoder`.
        encoder: embeds the question.
        question: in words.
        generator: see `mirante.generation.open_generator`.
        settings: how.

    Raises:
        UsageError: the question is blank, or `settings` cannot be met.
        UnknownName: a filter names a field that no entry has.
        ModelMismatch: another model made the gallery.
        UnreadableImage: a re-ranker looks at a picture that cannot be read.
    """
    if not question.strip():
        raise UsageError(f"The question is blank ({question!r}): write what you want to know.")
    language = _language(question, settings.language)
    retrieval = retrieve(
        gallery,
        encoder,
        Query((Term(1.0, text=question),), settings.where),
        settings.k,
        rerankers=settings.rerankers,
        depth=settings.depth,
        pictures=settings.pictures,
    )
    asked = None
    if retrieval.found and not retrieval.nothing_matches:
        items = tuple(_retrieved(one, gallery, settings.pictures) for one in retrieval)
        asked = Asked(question, language, items, settings.template)
    return Reply(retrieval, asked, generator, language=language)


def _retrieved(one: Found, gallery: Gallery, pictures: Pictures | None) -> Retrieved:
    hit = one.hit
    seen = gallery.holds == "images" and (pictures is not None or hit.path is not None)
    load = picture_of(hit, str(gallery.folder), pictures).load if seen else None
    return Retrieved(hit.id, hit.captions, hit.metadata, load, hit.relevance)


def _language(question: str, wanted: str) -> str:
    """That which is wanted, else the question's where it is English or Portuguese, else the user's."""
    guessed = guess_languages([question])[0]
    return messages.language(wanted or guessed or None)
