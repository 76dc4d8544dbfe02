"""Rows that an index wrote to its engine and gave up before a saved state named them: they are deleted again.

An index is given up wherever the garbage collector finds it, perhaps inside the engine's own client. So that is only
noted; the next save, or the end of the program, deletes.
"""

import atexit
from collections import deque
from contextlib import suppress
from functools import cache

from mirante.errors import MiranteError
from mirante.indexes._engines import Engine


class Unsaved:
    """What one index wrote and no saved state names yet."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.collections: list[str] = []
        self.segments: list[tuple[str, tuple[int, ...]]] = []
        _IN_USE.add(self)

    def clear(self) -> None:
        """It is saved."""
        self.collections.clear()
        self.segments.clear()


_IN_USE: set[Unsaved] = set()
_GIVEN_UP: deque[Unsaved] = deque()


def give_up(one: Unsaved) -> None:
    """Note that the index is gone."""
    _IN_USE.discard(one)
    if one.collections or one.segments:
        _GIVEN_UP.append(one)


def sweep() -> None:
    """Delete what was given up, as far as the engines answer."""
    with suppress(IndexError, MiranteError):
        while True:
            one = _GIVEN_UP.popleft()
            for name in one.collections:
                one.engine.drop(name)
            for name, segments in one.segments:
                if name not in one.collections:
                    one.engine.forget(name, segments)


@cache
def sweep_at_exit(engine: str) -> None:
    """See that a program ends with a sweep, before the client of this engine closes."""
    atexit.register(_sweep_last)


def _sweep_last() -> None:
    """Sweep where somebody still answers; indexes that are still in use are given up with their program."""
    answering = [one for one in (*_GIVEN_UP, *_IN_USE) if one.engine.outlives]
    _GIVEN_UP.clear()
    _GIVEN_UP.extend(answering)
    sweep()
