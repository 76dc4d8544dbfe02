"""What the page answers to a search, as HTML: results with their pictures, or one message; without Gradio."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from mirante import messages, pixels
from mirante.errors import MiranteError, UnreadableImage
from mirante.report.voice import Voice
from mirante.retrieval import Found, Retrieval, retrieve
from mirante.search import Hit, parse_terms
from mirante.types import Query
from mirante.web import cards
from mirante.web.shown import Shown

MAX_UPLOAD_PIXELS = 64_000_000
"""Largest picture that a visitor may search with, in pixels; a phone's camera makes fewer."""


@dataclass(frozen=True)
class Asked:
    """A search as a visitor puts it.

    Args:
        text: what to look for; may be blank.
        upload: an encoded picture to look for, of at most `MAX_UPLOAD_PIXELS`; it is shown above its results.
        plus: terms to add, separated by commas; each may end in a weight, `^0.5`.
        minus: terms to take away, likewise.
        count: number of results.
        where: metadata field → wanted value.
        like: id of an entry; what is nearest to it is looked for, and nothing else counts but filters.
        again: whether re-rankers look at the first answers again.
    """

    text: str = ""
    upload: bytes | None = None
    plus: str = ""
    minus: str = ""
    count: int = 12
    where: Mapping[str, str] = field(default_factory=dict)
    like: str = ""
    again: bool = False

    @property
    def blank(self) -> bool:
        """Whether nothing is asked."""
        return not (self.like or self.text.strip() or self.upload is not None or _parts(self.plus + "," + self.minus))


def find(shown: Shown, lang: str, asked: Asked) -> str:
    """The best hits of a collection, or one message about what is wrong with the query.

    Args:
        shown: what is searched.
        lang: of the answer, `"en"` or `"pt"`.
        asked: the search.
    """
    if asked.blank:
        return cards.notice(lang, "empty")
    try:
        return _alike(shown, lang, asked) if asked.like else _found(shown, lang, asked)
    except UnreadableImage as error:
        return cards.notice(lang, "unreadable", reason=messages.text(f"inspect.reason_{error.reason}", lang))
    except MiranteError as error:
        return cards.notice(lang, "refused", message=error)


def _found(shown: Shown, lang: str, asked: Asked) -> str:
    images = [pixels.decode(asked.upload, max_pixels=MAX_UPLOAD_PIXELS)] if asked.upload is not None else []
    terms = parse_terms(asked.text.strip() or None, images, plus=_parts(asked.plus), minus=_parts(asked.minus))
    query = Query(terms, asked.where)
    again = shown.rerankers if asked.again and len(terms) == 1 and terms[0].text else ()
    answers = retrieve(shown.gallery, shown.encoder, query, int(asked.count), rerankers=again, pictures=shown.picture)
    above = "".join(cards.image(image, cards.say(lang, "picture"), "asked") for image in images)
    if asked.again and not again:
        above += f'<p class="status">{cards.say(lang, "not_again")}</p>'
    return above + results(answers, shown, lang, told=bool(again))


def _alike(shown: Shown, lang: str, asked: Asked) -> str:
    entry = shown.gallery.entry(asked.like)
    hits = shown.gallery.similar(asked.like, int(asked.count), asked.where)
    answers = Retrieval(tuple(Found(hit, at, at) for at, hit in enumerate(hits, 1)))
    above = ""
    if entry is not None:
        itself = Hit(entry.id, 1.0, entry.captions, entry.metadata, entry.path)
        words = cards.say(lang, "alike_of", words=cards.caption(itself))
        above = f"{cards.picture(itself, shown, lang, 'asked')}<p>{escape(words)}</p>"
    return above + results(answers, shown, lang)


def results(answers: Retrieval, shown: Shown, lang: str, *, told: bool = False) -> str:
    """Cards under their number; `told` says where each stood before it was looked at again."""
    if not answers:
        return cards.notice(lang, "nothing")
    voice = Voice(lang)
    listed = "".join(cards.card(one, shown, voice, ranks=_ranks(one, lang) if told else "") for one in answers)
    above = cards.alert(messages.text("classify.nothing-matches", lang)) if answers.nothing_matches else ""
    count = escape(cards.say(lang, "found", count=len(answers)))
    return f'{above}<p class="status" role="status">{count}</p><ol class="results">{listed}</ol>'


def _ranks(found: Found, lang: str) -> str:
    key = "rank_kept" if found.rank == found.before else "rank_moved"
    return cards.say(lang, key, rank=found.rank, before=found.before)


def _parts(terms: str) -> Sequence[str]:
    return [one for one in terms.split(",") if one.strip()]
