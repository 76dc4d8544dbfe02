"""A lane carries one kind of content, pictures or texts, from the input to its shelf.

Shard k covers the contents [k·S, (k+1)·S) of the input, whatever was embedded before, and no batch crosses the end of a
shard: so the same input gives the same batches, hence the same bytes, however often the work is cut off and taken up,
and whichever engine does it.
"""

from collections.abc import Callable
from typing import Any, Protocol

from mirante.embeddings.seen import Seen
from mirante.embeddings.shelf import Shelf


class Work(Protocol):
    """What an engine does with the new contents of each stretch of the input: it makes them one shard."""

    @property
    def encoded(self) -> int:
        """Contents that have a row by now."""

    def begin(self, first: str) -> None:
        """A stretch begins, whose shard is named after `first` and was claimed."""

    def take(self, content: str, load: Callable[[], Any]) -> None:
        """Its next content; `load` gives what is encoded, or raises `UnreadableImage`."""

    def close(self) -> None:
        """The stretch has no more contents."""

    def end(self) -> None:
        """No stretch comes any more: return when every shard is on the shelf."""


class Lane:
    """Cuts the input into stretches, and gives what is new of those that nobody else has in hand to `work`.

    Args:
        shelf: where shards go.
        work: makes them.
        shard: contents of the input that a shard covers.
    """

    def __init__(self, shelf: Shelf, work: Work, shard: int) -> None:
        self._shelf, self._work, self._stretch = shelf, work, shard
        self._seen, self._count = Seen(shelf.known()), 0
        self._begun = self._mine = False
        self.elsewhere: list[str] = []

    @property
    def encoded(self) -> int:
        """Contents that have a row by now."""
        return self._work.encoded

    def add(self, content: str, load: Callable[[], Any]) -> None:
        """Take the next content of the input; `load` is called only if it must be encoded."""
        if self._count % self._stretch == 0:
            self._close()
        self._count += 1
        if not self._seen.add(content):
            return
        if not self._begun:
            self._begin(content)
        if self._mine:
            self._work.take(content, load)

    def end(self) -> None:
        """Encode all that was given; every shard is then on the shelf or in `elsewhere`."""
        self._close()
        self._work.end()

    def _begin(self, first: str) -> None:
        self._begun, self._mine = True, self._shelf.begin(first)
        if self._mine:
            self._work.begin(first)
        else:
            self.elsewhere.append(first)

    def _close(self) -> None:
        if self._begun and self._mine:
            self._work.close()
        self._begun = self._mine = False
