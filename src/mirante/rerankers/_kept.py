"""Hidden states of pictures, kept for the next query that asks for them."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from mirante.types import Picture

if TYPE_CHECKING:
    from PIL.Image import Image


class _Rows(Protocol):
    def __getitem__(self, rows: slice, /) -> Self: ...


States = TypeVar("States", bound=_Rows)


class Kept(Generic[States]):
    """The pictures that were asked for last.

    Args:
        see: B pictures → their states, which slices take apart.
        join: such slices → one again.
        size: pictures kept at most, beyond those of one call.
        stored: contents → the states of those among them that were computed before.
    """

    def __init__(
        self,
        see: "Callable[[list[Image]], States]",
        join: Callable[[list[States]], States],
        size: int = 512,
        *,
        stored: Callable[[Sequence[str]], Mapping[str, States]] | None = None,
    ) -> None:
        self.size = size
        self._see, self._join, self._stored = see, join, stored
        self._rows = OrderedDict[str, States]()

    def rows(self, pictures: Sequence[Picture]) -> States:
        """The states of the pictures, in their order; those that are neither kept nor stored are loaded and seen."""
        missing = {one.content: one for one in pictures if one.content not in self._rows}
        if missing and self._stored:
            self._rows.update(self._stored(list(missing)))
        unseen = [one for content, one in missing.items() if content not in self._rows]
        if unseen:
            seen = self._see([one.load() for one in unseen])
            self._rows.update((one.content, seen[at : at + 1]) for at, one in enumerate(unseen))
        for one in pictures:
            self._rows.move_to_end(one.content)
        found = self._join([self._rows[one.content] for one in pictures])
        while len(self._rows) > max(self.size, len(pictures)):
            self._rows.popitem(last=False)
        return found
