"""Galleries: queries of one model and what came back, pictures as data URLs.

Texts and ids in here come from the data and are trusted nowhere; the template escapes them.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirante.report.voice import Voice
from mirante.types import Protocol, Result

GROUPS = ("best", "worst", "random")
WANTED = 3  # right answers shown where none was found
JPEG = b"\xff\xd8"


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture or text of a gallery.

    Args:
        id: of the image or caption.
        picture: whether it is an image; else `text` is what to show.
        source: a data URL, `""` where the thumbnail is missing.
        text: the caption, or what describes the picture.
        score: similarity as written, `""` for a query.
        relevant: whether it answers the query.
    """

    id: str
    picture: bool
    source: str = ""
    text: str = ""
    score: str = ""
    relevant: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One query and its fate.

    Args:
        query: what was asked.
        rank: where the first right answer stands, in words.
        hits: the first answers in order.
        wanted: right answers, where none is among `hits`.
    """

    query: Shown
    rank: str
    hits: tuple[Shown, ...]
    wanted: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Gallery:
    """The examples of one model: title of the group → examples."""

    model: str
    groups: tuple[tuple[str, tuple[Example, ...]], ...]


class Thumbnails:
    """The small pictures beside the results.

    Args:
        folder: holds `<first 24 hex digits of sha256(image id)>.jpg`; may lack any of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, str] = {}

    def source(self, image: str) -> str:
        """A data URL for an image id, `""` where there is no JPEG for it."""
        if image not in self._found:
            path = self._folder / f"{hashlib.sha256(image.encode()).hexdigest()[:24]}.jpg"
            data = path.read_bytes() if path.is_file() else b""
            readable = data.startswith(JPEG)
            self._found[image] = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if readable else ""
        return self._found[image]


def gallery(result: Result, thumbnails: Thumbnails, voice: Voice) -> Gallery | None:
    """The examples that `result` carries, or None where it carries none.

    Raises:
        KeyError, TypeError: an example lacks a field; the page says which file is damaged.
    """
    examples: Mapping[str, Any] = result.details.get("examples") or {}
    groups = tuple(
        (
            voice.say(f"examples_{name}"),
            tuple(_example(one, result.protocol, thumbnails, voice) for one in examples[name]),
        )
        for name in GROUPS
        if examples.get(name)
    )
    return Gallery(result.model, groups) if groups else None


def rank_words(rank: int | None, shown: int, protocol: Protocol, voice: Voice) -> str:
    """Where the first right answer stands (1 is the first), in words; `shown` answers are in sight."""
    if rank is None or rank < 1 or rank > protocol.gallery:
        return voice.say("rank_none", depth=voice.number(protocol.depth))
    if rank == 1:
        return voice.say("rank_first")
    written = voice.number(rank)
    if rank > shown:
        return voice.say("rank_beyond", rank=written, gallery=voice.number(protocol.gallery))
    return voice.say("rank_later", rank=written)


def _example(one: Mapping[str, Any], protocol: Protocol, thumbnails: Thumbnails, voice: Voice) -> Example:
    by_text = protocol.direction == "text_to_image"
    hits = tuple(_answer(hit, by_text, thumbnails, voice) for hit in one["hits"])
    asked, text = str(one["query"]), str(one["text"] or "")
    source = "" if by_text else thumbnails.source(asked)
    wanted = () if any(hit.relevant for hit in hits) else (one.get("wanted") or ())[:WANTED]
    return Example(
        query=Shown(asked, not by_text, source, text),
        rank=rank_words(one["rank"], len(hits), protocol, voice),
        hits=hits,
        wanted=tuple(_answer(right, by_text, thumbnails, voice) for right in wanted),
    )


def _answer(one: Mapping[str, Any], picture: bool, thumbnails: Thumbnails, voice: Voice) -> Shown:
    score = one.get("score")
    return Shown(
        id=str(one["id"]),
        picture=picture,
        source=thumbnails.source(str(one["id"])) if picture else "",
        text=str(one.get("text") or ""),
        score="" if score is None else voice.number(float(score), 3),
        relevant=bool(one.get("relevant")),
    )
