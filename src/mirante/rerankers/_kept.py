"""Hidden states of pictures, kept for the next query that asks for them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
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
    """

    def __init__(
        self, see: "Callable[[list[Image]], States]", join: Callable[[list[States]], States], size: int = 512
    ) -> None:
        self.size = size
        self._see, self._join, self._rows = see, join, OrderedDict[str, States]()

    def rows(self, pictures: Sequence[Picture]) -> States:
        """The states of the pictures, in their order; those that are not kept are loaded and seen."""
        missing = list({one.content: one for one in pictures if one.content not in self._rows}.values())
        if missing:
            seen = self._see([one.load() for one in missing])
            self._rows.update((one.content, seen[at : at + 1]) for at, one in enumerate(missing))
        for one in pictures:
            self._rows.move_to_end(one.content)
        found = self._join([self._rows[one.content] for one in pictures])
        while len(self._rows) > max(self.size, len(pictures)):
            self._rows.popitem(last=False)
        return found
