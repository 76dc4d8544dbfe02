"""Progress of long work: rate and time left, on standard error, silent unless somebody listens.

Libraries call `track`; the command line calls `show` once. Nothing else decides whether bars are drawn.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """News: `done` of `total` (None when unknown) `unit`s of `label`, after `seconds`; `note` says more."""

    label: str
    unit: str
    done: int
    total: int | None
    seconds: float
    note: str = ""

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds left at this rate, None when the total or the rate is unknown."""
        return (self.total - self.done) / self.rate if self.total is not None and self.rate else None


_listener: ContextVar[Callable[[Step], None] | None] = ContextVar("progress_listener", default=None)


@contextmanager
def listening(listener: Callable[[Step], None]) -> Iterator[None]:
    """Within this block, `listener` hears every step."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def track(
    parts: Iterable[T],
    label: str,
    *,
    total: int | None = None,
    unit: str = "items",
    size: Callable[[T], int] = lambda part: 1,
    note: Callable[[], str] = str,
) -> Iterator[T]:
    """Yield `parts` unchanged and report `size(part)` units done after each, and what `note()` then says."""
    listener, start, done = _listener.get(), time.monotonic(), 0
    for part in parts:
        yield part
        done += size(part)
        if listener:
            listener(Step(label, unit, done, total, time.monotonic() - start, note()))


class Line:
    """A listener that rewrites one line of a terminal, or prints a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self._next = 0.0
        self._live = sys.stderr.isatty()

    def __call__(self, step: Step) -> None:
        """Show `step`, at most ten times a second on a terminal; always its end."""
        now, over = time.monotonic(), step.done == step.total
        if now < self._next and not over:
            return
        self._next = now + (0.1 if self._live else 10.0)
        total = f"/{step.total:,}" if step.total is not None else ""
        left = f", {step.left:,.0f} s left" if step.left else ""
        note = f", {step.note}" if step.note else ""
        line = f"{step.label}: {step.done:,}{total} {step.unit}, {step.rate:,.1f}/s{left}{note}"
        end = "\n" if over or not self._live else ""
        sys.stderr.write((f"\r\033[K{line}" if self._live else line) + end)
        sys.stderr.flush()
