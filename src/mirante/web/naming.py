"""A picture and labels, as HTML: how probable each label is. Nothing here knows Gradio."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from mirante import messages, pixels
from mirante.classification import ZeroShot, read_labels, read_templates
from mirante.errors import MiranteError, UnreadableImage
from mirante.report.voice import Voice
from mirante.web import cards, tables
from mirante.web.answers import MAX_UPLOAD_PIXELS
from mirante.web.shown import Shown

TEMPLATES = ("name", "simple", "imagenet")
"""Sets of prompts that a visitor can choose from."""


def name(shown: Shown, lang: str, upload: bytes | None, labels: str, *, templates: str, spoken: str) -> str:
    """The labels of a picture, the most probable first, or one message.

    Args:
        shown: its model is asked.
        lang: of the answer.
        upload: the encoded picture, of at most `MAX_UPLOAD_PIXELS`.
        labels: at least two, separated by commas or lines; `name=words` asks with other words.
        templates: one of `TEMPLATES`.
        spoken: language of the prompts.
    """
    if upload is None:
        return cards.notice(lang, "name_no_picture")
    try:
        image = pixels.decode(upload, max_pixels=MAX_UPLOAD_PIXELS)
        given = read_labels(labels.replace("\n", ",") + ",")  # with a comma it is never taken for a file's name
        zero = ZeroShot.of(shown.encoder, given, read_templates(templates, spoken))
        ranked = zero.ranked(shown.encoder.encode_images([image])[0])
    except UnreadableImage as error:
        return cards.notice(lang, "unreadable", reason=messages.text(f"inspect.reason_{error.reason}", lang))
    except MiranteError as error:
        return cards.notice(lang, "name_refused", message=error)
    best = cards.image(image, cards.say(lang, "name_alt", words=ranked[0]["words"]), "named")
    note = messages.text("classify.match-said", lang) if ranked[0]["match"] is not None else ""
    below = f'<p class="status">{escape(note)}</p>' if note else ""
    return f'<div class="naming">{best}<div>{_table(ranked, lang)}{below}</div></div>'


def _table(ranked: Sequence[Mapping[str, Any]], lang: str) -> str:
    head = ["label", "probability", *([] if ranked[0]["match"] is None else ["match"])]
    names = [messages.text(f"classify.column-{one}", lang) for one in head]
    return tables.plain(cards.say(lang, "name_title"), names, _rows(ranked, Voice(lang)))


def _rows(ranked: Sequence[Mapping[str, Any]], voice: Voice) -> Iterator[tuple[str, ...]]:
    bar = Markup('<span class="bar" style="--share: {:.4f}" aria-hidden="true"></span>{}')
    for one in ranked:
        match = () if one["match"] is None else (voice.percent(one["match"]),)
        yield one["words"], bar.format(one["probability"], voice.percent(one["probability"])), *match
