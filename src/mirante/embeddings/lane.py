"""A lane carries one kind of content, pictures or texts, from the input to its shelf.

Shard k covers the contents [k·S, (k+1)·S) of the input, whatever was embedded before, and no batch crosses the end of a
shard: so the same input gives the same batches, hence the same bytes, however often the work is cut off and taken up.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from mirante.embeddings.seen import Seen
from mirante.embeddings.shelf import Shard, Shelf
from mirante.errors import ModelError, UnreadableImage
from mirante.types import Vectors

T = TypeVar("T")
AHEAD = 3
TOLERANCE = 1e-2


@dataclass
class _Draft(Generic[T]):
    """A shard in the making; `mine` is false where another process has it in hand."""

    first: str
    mine: bool
    coming: int = 0
    closed: bool = False
    ready: list[tuple[str, T]] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    blocks: list[Vectors] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


class Lane(Generic[T]):
    """Encodes what is new, in fixed batches and shards, at most `AHEAD` batches behind what it was given.

    Args:
        shelf: where shards go.
        encode: `n` of T → (n, d) float32 rows of length 1.
        dim: width d.
        start: begins to load a content and returns what waits for it.
        batch: contents encoded together.
        shard: contents of the input that a shard covers.
    """

    def __init__(
        self,
        shelf: Shelf,
        encode: Callable[[Sequence[T]], Vectors],
        dim: int,
        *,
        start: Callable[[Callable[[], T]], Callable[[], T]],
        batch: int,
        shard: int,
    ) -> None:
        self._shelf, self._encode, self._dim, self._start = shelf, encode, dim, start
        self._batch, self._stretch = batch, shard
        self._seen, self._count = Seen(shelf.known()), 0
        self._draft: _Draft[T] | None = None
        self._waiting: deque[tuple[_Draft[T], str, Callable[[], T]]] = deque()
        self.encoded = 0
        self.elsewhere: list[str] = []

    def add(self, content: str, load: Callable[[], T]) -> None:
        """Take the next content of the input; `load` is called only if it must be encoded."""
        if self._count % self._stretch == 0:
            self._close()
        self._count += 1
        if not self._seen.add(content):
            return
        if self._draft is None:
            self._draft = _Draft(content, self._shelf.begin(content))
            if not self._draft.mine:
                self.elsewhere.append(content)
        if self._draft.mine:
            self._draft.coming += 1
            self._waiting.append((self._draft, content, self._start(load)))
            if len(self._waiting) >= AHEAD * self._batch:
                self._work()

    def end(self) -> None:
        """Encode all that was given; every shard is then on the shelf or in `elsewhere`."""
        self._close()
        while self._waiting:
            self._work()

    def _close(self) -> None:
        """End the current shard: no more contents come."""
        draft, self._draft = self._draft, None
        if draft is not None and draft.mine:
            draft.closed = True
            if draft.coming == 0:
                self._finish(draft)

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
        self.encoded += len(contents)


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
