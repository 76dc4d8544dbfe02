"""Calls that arrive together become one call, in one worker thread: of the encoder, or of what else gathers.

`Batcher` is itself an `Encoder`: whoever calls it from many threads shares calls without knowing of it. Its queue is
bounded: where it is full the caller is told at once, and nobody waits longer than the time-out.
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from PIL.Image import Image

from mirante.errors import ServiceError
from mirante.service.settings import Limits
from mirante.types import Encoder, Provenance, Vectors

T = TypeVar("T")
Kind: TypeAlias = Literal["texts", "images", "queries", "work"]
Work: TypeAlias = Callable[[Any], Any]
"""A sequence of items → a sequence, or rows, of one result for each, in their order."""
Observer: TypeAlias = Callable[[Kind, int, float], object]
"""Is told of each call: what it took in, how many, and the seconds that it took."""

RETRY_AFTER = 1


@dataclass(frozen=True)
class _Job:
    kind: Kind
    key: Hashable
    work: Work
    items: Sequence[Any]
    answer: "Future[Any]" = field(default_factory=Future)


class Batcher:
    """An encoder whose concurrent calls are gathered.

    Args:
        encoder: runs in the worker thread only.
        limits: `batch`, `wait_ms`, `queue` and `seconds` of them.
        observer: is told of each call of the encoder.
    """

    def __init__(self, encoder: Encoder, limits: Limits, observer: Observer = lambda *_: None) -> None:
        self.encoder, self._seconds = encoder, limits.seconds
        self._line = _Line(limits, observer)
        self._worker = threading.Thread(target=self._line.serve, name="mirante-encoder", daemon=True)
        self._worker.start()
        self.close = weakref.finalize(self, self._line.close)

    def __getattr__(self, name: str) -> Any:
        """What else the encoder has, such as its network and that one's scale."""
        if name == "encoder":
            raise AttributeError(name)
        return getattr(self.encoder, name)

    @property
    def provenance(self) -> Provenance:
        """Of the encoder."""
        return self.encoder.provenance

    @property
    def dim(self) -> int:
        """Of the encoder."""
        return self.encoder.dim

    @property
    def waiting(self) -> int:
        """Texts, pictures, queries and pieces of work in the queue."""
        return self._line.waiting

    @property
    def working(self) -> bool:
        """Whether the worker thread lives."""
        return self._worker.is_alive()

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) unit rows.

        Raises:
            ServiceError: 429 where the queue is full, 504 where the rows did not come in time, 503 after the end.
        """
        return self._rows("texts", self.encoder.encode_texts, texts)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) unit rows; see `encode_texts`."""
        return self._rows("images", self.encoder.encode_images, images)

    def gather(self, query: Any, work: Callable[[Sequence[Any]], Sequence[T]], key: Hashable) -> T:
        """What `work` makes of `query`, in one call with other queries of the same `key`; see `encode_texts`.

        Args:
            query: one item.
            work: items → one result each; runs in the worker thread, where it may use `encoder` itself.
            key: equal for calls whose `work` does the same.
        """
        found: Sequence[T] = self._wait(_Job("queries", key, work, [query]))
        return found[0]

    def call(self, work: Callable[[], T]) -> T:
        """Run `work` in the worker thread, alone, where it may use `encoder` itself; see `encode_texts`."""
        found: Sequence[T] = self._wait(_Job("work", object(), lambda _: [work()], [None]))
        return found[0]

    def _rows(self, kind: Kind, work: Work, items: Sequence[Any]) -> Vectors:
        if not len(items):
            return np.empty((0, self.dim), np.float32)
        rows: Vectors = self._wait(_Job(kind, kind, work, items))
        return rows

    def _wait(self, job: _Job) -> Any:
        self._line.put(job)
        try:
            return job.answer.result(self._seconds)
        except TimeoutError as error:
            if job.answer.done() and not job.answer.cancelled():
                raise
            job.answer.cancel()
            raise ServiceError(
                504, "late", f"The answer did not come within {self._seconds:g} s: ask again later, or for less."
            ) from error


class _Line:
    """The queue and its worker; it does not hold the `Batcher`, so that one that nobody uses any more ends."""

    def __init__(self, limits: Limits, observer: Observer) -> None:
        self._size, self._wait, self._most = limits.batch, limits.wait_ms / 1000, limits.queue
        self._observer = observer
        self._jobs: deque[_Job] = deque()
        self._changed, self._closed, self.waiting = threading.Condition(), False, 0

    def put(self, job: _Job) -> None:
        with self._changed:
            if self._closed:
                raise ServiceError(503, "ending", "The service is ending: ask another one.")
            if self.waiting and self.waiting + len(job.items) > self._most:
                raise ServiceError(
                    429,
                    "busy",
                    f"{self.waiting} queries and pictures wait for the model already: ask again in {RETRY_AFTER} s.",
                    retry_after=RETRY_AFTER,
                )
            self._jobs.append(job)
            self.waiting += len(job.items)
            self._changed.notify()

    def close(self) -> None:
        """Finish what waits, then end."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def serve(self) -> None:
        while jobs := self._gather():
            asked = [job for job in jobs if job.answer.set_running_or_notify_cancel()]
            for key in dict.fromkeys(job.key for job in asked):
                self._share([job for job in asked if job.key == key])

    def _gather(self) -> list[_Job]:
        """The next jobs to do together: at most a batch, and what came while the first waited; none at the end."""
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            until = time.monotonic() + self._wait
            while self.waiting < self._size and not self._closed and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            taken: list[_Job] = []
            size = 0
            while self._jobs and (not taken or size + len(self._jobs[0].items) <= self._size):
                taken.append(self._jobs.popleft())
                size += len(taken[-1].items)
            self.waiting -= size
            return taken

    def _share(self, jobs: list[_Job]) -> None:
        """One call for all; where it fails each has its own, so that one bad item spoils no other's answer."""
        if not self._done(jobs, last=len(jobs) == 1):
            for job in jobs:
                self._done([job], last=True)

    def _done(self, jobs: list[_Job], *, last: bool) -> bool:
        start, first = time.perf_counter(), jobs[0]
        items = [item for job in jobs for item in job.items]
        try:
            found = first.work(items)
        except BaseException as error:  # whatever it is, the one who asked gets it
            if last:
                with suppress(InvalidStateError):  # nobody waits for it any more
                    first.answer.set_exception(error)
            return False
        self._observer(first.kind, len(items), time.perf_counter() - start)
        end = 0
        for job in jobs:
            own, end = found[end : end + len(job.items)], end + len(job.items)
            with suppress(InvalidStateError):
                job.answer.set_result(own)
        return True
