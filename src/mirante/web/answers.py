"""What the page answers, as HTML: results with their pictures, or one message. Nothing here knows Gradio."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import TypeAlias

from PIL.Image import Image

from mirante import messages, pixels
from mirante.errors import MiranteError, UnreadableImage
from mirante.report.voice import Voice
from mirante.search import Gallery, Hit, nothing_matches, parse_terms, search
from mirante.types import Encoder, Query

Pictures: TypeAlias = Mapping[str, Callable[[], Image]] | Callable[[Hit], Image | None]

MAX_UPLOAD_PIXELS = 64_000_000
"""Largest picture that a visitor may search with, in pixels; a phone's camera makes fewer."""
_SHOWN = 384
"""Longest side of a picture on the page, in pixels."""


@dataclass(frozen=True)
class Answers:
    """Answers queries over one gallery.

    Args:
        gallery: what is searched.
        encoder: the model that made its rows.
        pictures: id → what loads the picture, or a function of a hit; pictures of hits that it does not know are read
            from the hit's path.
    """

    gallery: Gallery
    encoder: Encoder
    pictures: Pictures

    def find(self, lang: str, text: str, upload: bytes | None, plus: str, minus: str, count: int) -> str:
        """The best hits, or one message about what is wrong with the query.

        Args:
            lang: of the answer, `"en"` or `"pt"`.
            text: what to look for; may be blank.
            upload: an encoded picture to look for, of at most `MAX_UPLOAD_PIXELS`; it is shown above its results.
            plus: terms to add, separated by commas; each may end in a weight, `^0.5`.
            minus: terms to take away, likewise.
            count: number of results.
        """
        added, taken = ([one for one in terms.split(",") if one.strip()] for terms in (plus, minus))
        if not (text.strip() or upload is not None or added or taken):
            return _notice(lang, "empty")
        try:
            images = [pixels.decode(upload, max_pixels=MAX_UPLOAD_PIXELS)] if upload is not None else []
            terms = parse_terms(text.strip() or None, images, plus=added, minus=taken)
            hits = search(self.gallery, self.encoder, Query(terms), int(count))
        except UnreadableImage as error:
            return _notice(lang, "unreadable", reason=messages.text(f"inspect.reason_{error.reason}", lang))
        except MiranteError as error:
            return _notice(lang, "refused", message=error)
        if not hits:
            return _notice(lang, "nothing")
        asked = "".join(_image(image, escape(_say(lang, "picture")), "asked") for image in images)
        cards = "".join(self._card(hit, Voice(lang)) for hit in hits)
        found = escape(_say(lang, "found", count=len(hits)))
        if nothing_matches(self.gallery, hits):
            asked += f'<p class="notice" role="alert">{escape(messages.text("classify.nothing-matches", lang))}</p>'
        return f'{asked}<p class="status" role="status">{found}</p><ol class="results">{cards}</ol>'

    def _card(self, hit: Hit, voice: Voice) -> str:
        words = escape(hit.captions[0] if hit.captions else hit.id)
        score = _say(voice.lang, "score", score=voice.number(hit.score, 2))
        if hit.relevance is not None:
            share = voice.percent(hit.relevance, 0)
            score += messages.text("classify.shown-relevance", voice.lang, share=share)
        return (
            f"<li><figure>{self._shown(hit, words, voice.lang)}"
            f"<figcaption>{words}<small>{escape(score)}</small></figcaption></figure></li>"
        )

    def _shown(self, hit: Hit, words: str, lang: str) -> str:
        if self.gallery.holds == "texts":
            return ""
        try:
            image = self._picture(hit)
        except UnreadableImage:
            image = None
        if image is None:
            return f'<div class="missing">{escape(_say(lang, "not_shown"))}</div>'
        return _image(image, words, "shown")

    def _picture(self, hit: Hit) -> Image | None:
        if isinstance(self.pictures, Mapping):
            load = self.pictures.get(hit.id)
            image = load() if load else None
        else:
            image = self.pictures(hit)
        return pixels.read_file(hit.path) if image is None and hit.path else image


def _image(image: Image, alt: str, kind: str) -> str:
    small = image.convert("RGB")
    small.thumbnail((_SHOWN, _SHOWN))
    file = BytesIO()
    small.save(file, "JPEG", quality=90, subsampling=0)
    data = b64encode(file.getvalue()).decode("ascii")
    return f'<img class="{kind}" src="data:image/jpeg;base64,{data}" alt="{alt}">'


def _say(lang: str, key: str, **values: object) -> str:
    return messages.text(f"web.{key}", lang, **values)


def _notice(lang: str, key: str, **values: object) -> str:
    return f'<p class="notice" role="alert">{escape(_say(lang, key, **values))}</p>'
