"""Long work in a thread beside the page: its news, its end, and how it is stopped."""

import threading
from collections.abc import Callable, Iterator
from typing import Generic, Self, TypeVar

from mirante.progress import Step, listening

T = TypeVar("T")


class Stopped(BaseException):
    """Ends the work in its own thread; like `KeyboardInterrupt`, nothing on the way takes it for a failure."""


class Work(Generic[T]):
    """One piece of work; it is stopped where it next reports progress, and keeps what it had saved by then.

    Args:
        do: the work.
    """

    def __init__(self, do: Callable[[], T]) -> None:
        self._do = do
        self._asked, self._over = threading.Event(), threading.Event()
        self._result: list[T] = []
        self._error: Exception | None = None
        self.step: Step | None = None

    def start(self) -> Self:
        """Begin, in a thread that does not outlive the program."""
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def stop(self) -> None:
        """Ask it to stop; it goes on until its next step."""
        self._asked.set()

    def news(self, every: float = 0.5) -> Iterator[Step | None]:
        """The latest step every so many seconds, until the work is over."""
        while not self._over.wait(every):
            yield self.step

    def result(self) -> T | None:
        """What came out; None where it was stopped. Waits for the end.

        Raises:
            Exception: what the work raised.
        """
        self._over.wait()
        if self._error is not None:
            raise self._error
        return self._result[0] if self._result else None

    def _run(self) -> None:
        try:
            with listening(self._hear):
                self._result.append(self._do())
        except Stopped:
            pass
        except Exception as error:
            self._error = error
        finally:
            self._over.set()

    def _hear(self, step: Step) -> None:
        self.step = step
        if self._asked.is_set():
            raise Stopped
