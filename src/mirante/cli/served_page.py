"""The page beside a service: it shows the galleries of its shelf, also after one was swapped."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, overload

from mirante.errors import UsageError
from mirante.web import Shown

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mirante.service import ServiceConfig
    from mirante.service.shelf import Shelf


class OnShelf(Sequence[Shown]):
    """The galleries of a shelf as they are whenever one is taken.

    Args:
        shelf: holds them.
    """

    def __init__(self, shelf: "Shelf") -> None:
        self._shelf, self._names = shelf, [one.name for one in shelf]

    @overload
    def __getitem__(self, at: int) -> Shown: ...
    @overload
    def __getitem__(self, at: slice) -> list[Shown]: ...
    def __getitem__(self, at: int | slice) -> Shown | list[Shown]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        held = self._shelf.get(self._names[at])
        return Shown(held.gallery, held.encoder, {}, held.name, tuple(held.rerankers.values()))

    def __len__(self) -> int:
        return len(self._names)


def page_for(config: "ServiceConfig", title: str) -> "Callable[[FastAPI, Shelf], FastAPI]":
    """What adds the page to the application of a service; it measures nothing and opens no folder of runs.

    Raises:
        UsageError: the service asks for keys, which the page would let everybody pass.
        MissingLibrary: Gradio is not installed.
    """
    if config.keys:
        raise UsageError("The page asks nobody for a key, and this service does: leave --page out, or the keys.")
    from mirante.web import mount
    from mirante.web.page import build

    return lambda app, shelf: mount(app, build(OnShelf(shelf), title=title, generator=app.state.desk.generator))
