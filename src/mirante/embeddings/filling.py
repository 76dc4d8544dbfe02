"""Filling shelves: read the input once, decode ahead in threads, encode, and wait for what others have in hand."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from mirante.embeddings.lane import Lane
from mirante.embeddings.listing import Kind, text_content
from mirante.embeddings.seen import Seen
from mirante.embeddings.shelf import Shelf
from mirante.errors import UsageError
from mirante.pixels import reduced
from mirante.types import Caption, Encoder, Picture, Preparing

Part: TypeAlias = tuple[Kind, str, Callable[[], Any]]
Start: TypeAlias = Callable[[Callable[[], Any]], Callable[[], Any]]


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
) -> Counter[Kind]:
    """Put a row for every content of the input on its shelf; how many of each kind this call encoded.

    Args:
        shelves: by kind; a kind without a shelf is left out.
        encoder: the model.
        parts: the input, read once.
        again: the input from its start, read where another worker died with shards in hand.
        contents: every content of a kind, asked for when `parts` was read to its end.
        settings: batch, shard and workers.
    """
    encoded: Counter[Kind] = Counter()
    while True:
        with _decoding(settings.workers) as decode:
            starts: dict[Kind, Start] = {"images": decode, "texts": _at_once}
            lanes = {kind: _lane(kind, shelf, encoder, starts[kind], settings) for kind, shelf in shelves.items()}
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


def _lane(kind: Kind, shelf: Shelf, encoder: Encoder, start: Start, settings: Settings) -> Lane[Any]:
    encode: Callable[[Any], Any] = encoder.encode_texts
    begin = start
    if kind == "images":
        encode = encoder.encode_prepared if isinstance(encoder, Preparing) else encoder.encode_images
        begin = partial(_begin, start, encoder)
    return Lane(shelf, encode, encoder.dim, start=begin, batch=settings.batch, shard=settings.shard)


def _begin(start: Start, encoder: Encoder, load: Callable[[], Any]) -> Callable[[], Any]:
    return start(partial(_ready, encoder, load))


def _ready(encoder: Encoder, load: Callable[[], Any]) -> Any:
    """A picture, no larger than the encoder asks for, as it takes it."""
    with reduced(getattr(encoder, "scale", None) or 0):
        image = load()
    return encoder.prepare(image) if isinstance(encoder, Preparing) else image


def _at_once(load: Callable[[], Any]) -> Callable[[], Any]:
    return load


@contextmanager
def _decoding(workers: int) -> Iterator[Start]:
    """Threads that start to load what they are given, and forget it when the block is left early."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        yield lambda load: pool.submit(load).result
    finally:
        pool.shutdown(cancel_futures=True)


def _complete(shelf: Shelf, contents: Iterable[str]) -> bool:
    known = Seen(shelf.known())
    return all(content in known for content in contents)
