"""The engine of many machines: this process reads, claims and writes, actors of Ray Data decode and encode.

What an actor is given is a whole stretch of the input, so a shard is made in one place and by the same steps as here.
What dies with an actor or a node is asked for again.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mirante.embeddings.actors import Failure, Parts, Setup
from mirante.embeddings.filling import Settings
from mirante.embeddings.lane import Lane
from mirante.embeddings.listing import Kind
from mirante.embeddings.pipeline import IN_FLIGHT, Pipeline, connect, places
from mirante.embeddings.shelf import Shard, Shelf
from mirante.errors import DataError, MissingLibrary, ModelError, UnreadableImage
from mirante.types import Encoder

MOST_LOSSES = 5
"""Runs of the pipeline that may end in a row without a single shard."""
ABSENT = ("missing", "no-access")
"""Reasons that may hold on one machine and not on another."""


@dataclass(frozen=True)
class Ray:
    """Encodes on a Ray cluster: that of `RAY_ADDRESS`, or one of this machine alone.

    Args:
        open: opens the encoder in an actor; it is pickled, and so is what loads each picture.
        gpus: an actor takes a GPU where the cluster has some; else as many processors as torch has threads here.
    """

    open: Callable[[], Encoder]
    gpus: bool = True

    @contextmanager
    def lanes(
        self, shelves: Mapping[Kind, Shelf], encoder: Encoder, settings: Settings
    ) -> Iterator[Mapping[Kind, Lane]]:
        """A lane to each shelf, while the block lasts.

        Raises:
            MissingLibrary: Ray is not installed.
        """
        if find_spec("ray") is None:
            raise MissingLibrary("ray", "ray", "The engine 'ray'")
        torch = sys.modules.get("torch")
        threads = torch.get_num_threads() if torch else 0
        stream = Stream(
            Setup(self.open, encoder.provenance, encoder.dim, settings, str(Path.cwd()), threads), gpus=self.gpus
        )
        try:
            yield {kind: Lane(shelf, Sending(kind, shelf, stream), settings.shard) for kind, shelf in shelves.items()}
        except BaseException:
            stream.close(now=True)
            raise
        stream.close(now=False)


class Sending:
    """Gathers each stretch, sends it away, and puts the shard that comes back on the shelf.

    Args:
        kind: of its contents.
        shelf: where shards go.
        stream: to the actors.
    """

    def __init__(self, kind: Kind, shelf: Shelf, stream: "Stream") -> None:
        self._kind, self._shelf, self._stream = kind, shelf, stream
        self._parts: list[tuple[str, Callable[[], Any]]] = []
        self._encoded = 0

    @property
    def encoded(self) -> int:
        """Contents that have a row by now."""
        return self._encoded

    def begin(self, first: str) -> None:
        """A stretch begins."""
        self._parts = []

    def take(self, content: str, load: Callable[[], Any]) -> None:
        """Its next content."""
        self._parts.append((content, load))

    def close(self) -> None:
        """Send the stretch; wait where enough is under way."""
        parts = self._parts
        self._stream.send(self._kind, parts, lambda shard: self._finish(shard, parts))

    def end(self) -> None:
        """Wait for every shard."""
        self._stream.drain()

    def _finish(self, shard: Shard, parts: Parts) -> None:
        absent = {content for content, reason in shard.unreadable.items() if reason in ABSENT}
        for content, load in parts:
            if content in absent:
                _check_absent(content, load)
        self._shelf.finish(shard)
        self._encoded += len(shard.contents)


@dataclass(frozen=True)
class _InHand:
    """A stretch that was sent: its bytes, and what to do with its shard."""

    stretch: bytes
    finish: Callable[[Shard], None]


class Stream:
    """The stretches that actors have in hand, not many at once; Ray is started for the first.

    Args:
        setup: what every actor is told.
        gpus: whether to use GPUs where there are some.
    """

    def __init__(self, setup: Setup, *, gpus: bool) -> None:
        self._setup, self._gpus = setup, gpus
        self._in_hand: dict[int, _InHand] = {}
        self._sent = self._losses = 0
        self._most = 1
        self._pipeline: Pipeline | None = None

    def send(self, kind: Kind, parts: Parts, finish: Callable[[Shard], None]) -> None:
        """Send a stretch; `finish` gets its shard, in a later call of this stream.

        Raises:
            DataError: what loads a picture cannot be sent.
            ModelError: an actor failed.
        """
        connect()
        number, one = self._sent, _InHand(_packed(kind, parts), finish)
        self._in_hand[number], self._sent = one, number + 1
        pipeline = self._pipeline
        if pipeline is None:
            self._start()
        else:
            pipeline.put(number, one.stretch)
        while len(self._in_hand) >= self._most:
            self._receive()

    def drain(self) -> None:
        """Return when nothing is in hand.

        Raises:
            ModelError: an actor failed.
        """
        while self._in_hand:
            self._receive()

    def close(self, *, now: bool) -> None:
        """Let the actors go, at once where what they have in hand is no longer wanted."""
        if self._pipeline:
            self._pipeline.close(now=now)

    def _start(self) -> None:
        """Start actors, and give them what is in hand."""
        count, needs = places(max(1, self._setup.threads), gpus=self._gpus)
        setup = replace(self._setup, threads=0) if "num_gpus" in needs else self._setup
        self._most = IN_FLIGHT * (count + 1)
        self._pipeline = Pipeline(setup, count, needs)
        for number, one in self._in_hand.items():
            self._pipeline.put(number, one.stretch)

    def _receive(self) -> None:
        """Take one shard, or begin again with what is in hand where an actor died."""
        if self._pipeline is None:
            return
        came = self._pipeline.results.get()
        if isinstance(came, Exception):
            self._lost(came)
            return
        number, outcome = came
        if isinstance(outcome, Failure):
            raise ModelError(f"On node {outcome.node} of the Ray cluster: {outcome.message}")
        self._losses = 0
        self._in_hand.pop(number).finish(outcome)

    def _lost(self, error: Exception) -> None:
        self._losses += 1
        if self._losses > MOST_LOSSES:
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                f"Ray lost its actors {self._losses} times in a row ({reason}): look at the memory of the nodes, then "
                "run the same command again, which goes on where this stopped."
            ) from error
        if self._pipeline:
            self._pipeline.close(now=True)
        self._start()


def _packed(kind: Kind, parts: Parts) -> bytes:
    """A stretch as an actor takes it.

    Raises:
        DataError: what loads a picture cannot be sent.
    """
    from ray import cloudpickle

    try:
        stretch: bytes = cloudpickle.dumps((kind, parts))
    except Exception as error:  # whatever a data set's own code raises
        raise DataError(
            f"The pictures of this data set cannot be loaded in another process ({type(error).__name__}: {error}): "
            "use --engine local, or keep them in files: a folder, parquet or WebDataset."
        ) from error
    return stretch


def _check_absent(content: str, load: Callable[[], Any]) -> None:
    """Tell a picture that nobody finds from one that only the actors do not find.

    Raises:
        DataError: it is there for this process.
    """
    try:
        load()
    except UnreadableImage:
        return
    raise DataError(
        f"The picture with the content {content!r} can be read here, but not on the nodes of the Ray cluster: share "
        "its folder among them under the same path."
    )
