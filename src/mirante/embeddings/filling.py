"""Filling shelves: read the input once, let an engine encode what is new, and wait for what others have in hand."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

from mirante.embeddings.lane import Lane
from mirante.embeddings.listing import Kind, text_content
from mirante.embeddings.seen import Seen
from mirante.embeddings.shelf import Shelf
from mirante.errors import UsageError
from mirante.types import Caption, Encoder, Picture

Part: TypeAlias = tuple[Kind, str, Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to embed.

    Args:
        split: one split of the data, None for every one.
        language: captions in this language only, None for all.
        limit: at most this many images of a split, None for all.
        batch: contents encoded together.
        shard: contents of the input in one shard; what a kill can cost.
        workers: threads that decode pictures ahead of the encoder.
        cache: reuse what the folder holds and let others reuse this; else encode everything anew.
        texts: captions too.
    """

    split: str | None = None
    language: str | None = None
    limit: int | None = None
    batch: int = 64
    shard: int = 1024
    workers: int = 2
    cache: bool = True
    texts: bool = True

    def __post_init__(self) -> None:
        for name in ("batch", "shard", "workers", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, not {value!r}: give a positive number.")


DEFAULTS = Settings()


class Engine(Protocol):
    """Where networks run. Whichever it is, the same input gives the same shards."""

    def lanes(
        self, shelves: Mapping[Kind, Shelf], encoder: Encoder, settings: Settings
    ) -> AbstractContextManager[Mapping[Kind, Lane]]:
        """A lane to each shelf; when the block is left, nothing that it started goes on."""


def image_part(picture: Picture) -> Part:
    """The part of the input that a picture is: its kind, its content and how to get it."""
    return "images", picture.content, picture.load


def text_part(caption: Caption) -> Part:
    """The part of the input that a caption is."""
    return "texts", text_content(caption.text), partial(str, caption.text)


def fill(
    shelves: Mapping[Kind, Shelf],
    encoder: Encoder,
    parts: Iterable[Part],
    *,
    again: Callable[[], Iterable[Part]],
    contents: Callable[[Kind], Iterable[str]],
    settings: Settings,
    engine: Engine,
) -> Counter[Kind]:
    """Put a row for every content of the input on its shelf; how many of each kind this call encoded.

    Args:
        shelves: by kind; a kind without a shelf is left out.
        encoder: the model.
        parts: the input, read once.
        again: the input from its start, read where another worker died with shards in hand.
        contents: every content of a kind, asked for when `parts` was read to its end.
        settings: batch, shard and workers.
        engine: where the networks run.
    """
    encoded: Counter[Kind] = Counter()
    while True:
        with engine.lanes(shelves, encoder, settings) as lanes:
            for kind, content, load in parts:
                if kind in lanes:
                    lanes[kind].add(content, load)
            for lane in lanes.values():
                lane.end()
        encoded.update({kind: lane.encoded for kind, lane in lanes.items()})
        elsewhere = [(shelves[kind], first) for kind, lane in lanes.items() for first in lane.elsewhere]
        for shelf, first in elsewhere:
            shelf.wait(first)
        if not elsewhere or all(_complete(shelf, contents(kind)) for kind, shelf in shelves.items()):
            return encoded
        parts = again()


def _complete(shelf: Shelf, contents: Iterable[str]) -> bool:
    known = Seen(shelf.known())
    return all(content in known for content in contents)
