"""Answers as HTML: cards with their pictures, and messages. What comes from data is escaped here."""

from base64 import b64encode
from html import escape
from io import BytesIO

from PIL.Image import Image

from mirante import messages
from mirante.errors import UnreadableImage
from mirante.report.voice import Voice
from mirante.retrieval import Found
from mirante.search import Hit
from mirante.web.shown import Shown

_SHOWN = 384
"""Longest side of a picture on the page, in pixels."""


def say(lang: str, key: str, **values: object) -> str:
    """A text of the page."""
    return messages.text(f"web.{key}", lang, **values)


def notice(lang: str, key: str, **values: object) -> str:
    """A message that is read out at once."""
    return alert(say(lang, key, **values))


def alert(text: str) -> str:
    """Any text as such a message."""
    return f'<p class="notice" role="alert">{escape(text)}</p>'


def image(picture: Image, alt: str, kind: str) -> str:
    """A picture, made small; `alt` says what it shows, `kind` is its class."""
    small = picture.convert("RGB")
    small.thumbnail((_SHOWN, _SHOWN))
    file = BytesIO()
    small.save(file, "JPEG", quality=90, subsampling=0)
    data = b64encode(file.getvalue()).decode("ascii")
    return f'<img class="{kind}" src="data:image/jpeg;base64,{data}" alt="{escape(alt)}">'


def card(found: Found, shown: Shown, voice: Voice, *, ranks: str = "", asks: bool = True) -> str:
    """One answer: its picture, its words, how sure it is.

    Args:
        found: the answer.
        shown: the collection that it is of.
        voice: the language.
        ranks: where it stands elsewhere, in words.
        asks: whether it can be searched with.
    """
    hit, words = found.hit, caption(found.hit)
    score = say(voice.lang, "score", score=voice.number(hit.score, 2))
    if hit.relevance is not None:
        score += messages.text("classify.shown-relevance", voice.lang, share=voice.percent(hit.relevance, 0))
    small = f"<small>{escape(score)}</small>" + (f'<small class="ranks">{escape(ranks)}</small>' if ranks else "")
    return (
        f"<li><figure>{picture(hit, shown, voice.lang)}<figcaption>{escape(words)}{small}</figcaption></figure>"
        f"{_button(hit, words, voice.lang) if asks else ''}</li>"
    )


def caption(hit: Hit) -> str:
    """What stands for a hit in words: its first caption, or its id."""
    return hit.captions[0] if hit.captions else hit.id


def picture(hit: Hit, shown: Shown, lang: str, kind: str = "shown") -> str:
    """The picture of a hit, or that it cannot be shown; nothing where the collection holds texts."""
    if shown.gallery.holds == "texts":
        return ""
    try:
        found = shown.picture(hit)
    except UnreadableImage:
        found = None
    if found is None:
        return f'<div class="missing">{escape(say(lang, "not_shown"))}</div>'
    return image(found, caption(hit), kind)


def _button(hit: Hit, words: str, lang: str) -> str:
    label = escape(say(lang, "alike_of", words=words))
    return (
        f'<button type="button" class="alike" data-id="{escape(hit.id)}" aria-label="{label}">'
        f"{escape(say(lang, 'alike'))}</button>"
    )
