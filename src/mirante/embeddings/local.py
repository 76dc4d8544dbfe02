"""The engine of one process: pictures are decoded ahead in threads, and encoded in fixed batches."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np

from mirante.embeddings.filling import Settings
from mirante.embeddings.lane import Lane
from mirante.embeddings.listing import Kind
from mirante.embeddings.shelf import Shard, Shelf
from mirante.errors import ModelError, UnreadableImage
from mirante.pixels import reduced
from mirante.types import Encoder, Preparing, Vectors

T = TypeVar("T")
Start: TypeAlias = Callable[[Callable[[], Any]], Callable[[], Any]]
AHEAD = 3
TOLERANCE = 1e-2


class Local:
    """Encodes in this process, with the encoder that it is given."""

    @contextmanager
    def lanes(
        self, shelves: Mapping[Kind, Shelf], encoder: Encoder, settings: Settings
    ) -> Iterator[Mapping[Kind, Lane]]:
        """A lane to each shelf, while the block lasts."""
        with _decoding(settings.workers) as decode:
            starts: dict[Kind, Start] = {"images": partial(_begin, decode, encoder), "texts": _at_once}
            encodes: dict[Kind, Callable[[Any], Vectors]] = {"images": _images(encoder), "texts": encoder.encode_texts}
            yield {
                kind: Lane(
                    shelf, Batches(shelf, encodes[kind], encoder.dim, starts[kind], settings.batch), settings.shard
                )
                for kind, shelf in shelves.items()
            }


LOCAL = Local()


@dataclass
class _Draft(Generic[T]):
    """A shard in the making."""

    first: str
    coming: int = 0
    closed: bool = False
    ready: list[tuple[str, T]] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    blocks: list[Vectors] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


class Batches(Generic[T]):
    """Encodes stretches of the input in fixed batches, at most `AHEAD` batches behind what it was given.

    Args:
        shelf: where shards go.
        encode: `n` of T → (n, d) float32 rows of length 1.
        dim: width d.
        start: begins to load a content and returns what waits for it.
        batch: contents encoded together.
    """

    def __init__(
        self,
        shelf: Shelf,
        encode: Callable[[Sequence[T]], Vectors],
        dim: int,
        start: Callable[[Callable[[], T]], Callable[[], T]],
        batch: int,
    ) -> None:
        self._shelf, self._encode, self._dim, self._start, self._batch = shelf, encode, dim, start, batch
        self._waiting: deque[tuple[_Draft[T], str, Callable[[], T]]] = deque()
        self._draft = _Draft[T]("")
        self._encoded = 0

    @property
    def encoded(self) -> int:
        """Contents that have a row by now."""
        return self._encoded

    def begin(self, first: str) -> None:
        """A stretch begins, whose shard is named after `first` and was claimed."""
        self._draft = _Draft(first)

    def take(self, content: str, load: Callable[[], T]) -> None:
        """Its next content, which is loaded soon."""
        self._draft.coming += 1
        self._waiting.append((self._draft, content, self._start(load)))
        if len(self._waiting) >= AHEAD * self._batch:
            self._work()

    def close(self) -> None:
        """The stretch has no more contents."""
        self._draft.closed = True
        if self._draft.coming == 0:
            self._finish(self._draft)

    def end(self) -> None:
        """Encode all that is left."""
        while self._waiting:
            self._work()

    def _work(self) -> None:
        """Fetch and encode one batch, or less at the end of a shard."""
        draft = self._waiting[0][0]
        while self._waiting and self._waiting[0][0] is draft and len(draft.ready) < self._batch:
            _, content, fetch = self._waiting.popleft()
            draft.coming -= 1
            try:
                draft.ready.append((content, fetch()))
            except UnreadableImage as error:
                draft.unreadable[content] = error.reason
        if len(draft.ready) == self._batch:
            self._encode_batch(draft)
        if draft.closed and draft.coming == 0:
            self._finish(draft)

    def _finish(self, draft: _Draft[T]) -> None:
        if draft.ready:
            self._encode_batch(draft)
        vectors = np.concatenate(draft.blocks) if draft.blocks else np.empty((0, self._dim), np.float32)
        self._shelf.finish(Shard(draft.first, tuple(draft.contents), vectors, draft.unreadable))

    def _encode_batch(self, draft: _Draft[T]) -> None:
        contents = [content for content, _ in draft.ready]
        vectors = self._encode([one for _, one in draft.ready])
        _check(vectors, (len(contents), self._dim), contents)
        draft.contents += contents
        draft.blocks.append(np.ascontiguousarray(vectors, np.float32))
        draft.ready.clear()
        self._encoded += len(contents)


def _images(encoder: Encoder) -> Callable[[Any], Vectors]:
    return encoder.encode_prepared if isinstance(encoder, Preparing) else encoder.encode_images


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


def _check(vectors: Vectors, shape: tuple[int, int], contents: Sequence[str]) -> None:
    """Refuse rows that would poison the shelf."""
    if vectors.shape != shape:
        raise ModelError(f"The encoder gave rows of shape {vectors.shape}, not {shape}: mend the encoder.")
    lengths = np.linalg.norm(vectors, axis=1)
    bad = np.flatnonzero(~(np.abs(lengths - 1) <= TOLERANCE))
    if bad.size:
        raise ModelError(
            f"The encoder gave a row of length {lengths[bad[0]]:.3g}, not 1, for the content {contents[bad[0]]!r}: "
            f"use a wider number format (fp32) or mend the encoder."
        )
