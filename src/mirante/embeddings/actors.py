"""What runs in an actor of a Ray cluster: it opens the model once, then makes a shard of each stretch that it is given.

The shard comes from the engine of one process, so batches, checks and reasons are the same wherever it is made.
"""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from mirante.embeddings.filling import Settings
from mirante.embeddings.listing import Kind
from mirante.embeddings.local import LOCAL
from mirante.embeddings.shelf import Memory, Shard
from mirante.errors import MiranteError, ModelError, UsageError
from mirante.types import Encoder, Provenance

Parts: TypeAlias = Sequence[tuple[str, Callable[[], Any]]]
"""The new contents of a stretch, each with what loads it."""

SENT = pa.schema([("number", pa.int64()), ("stretch", pa.large_binary())])
RETURNED = pa.schema([("number", pa.int64()), ("outcome", pa.large_binary())])


@dataclass(frozen=True)
class Setup:
    """What every actor is told.

    Args:
        open: opens the encoder.
        provenance: of the encoder that the shelves belong to.
        dim: its width.
        settings: batch and workers.
        folder: that relative paths start from.
        threads: of torch, 0 where it is not used or runs on a GPU.
    """

    open: Callable[[], Encoder]
    provenance: Provenance
    dim: int
    settings: Settings
    folder: str
    threads: int


@dataclass(frozen=True)
class Failure:
    """Why a stretch became no shard: nothing that another try would mend."""

    message: str
    node: str


class Actor:
    """Turns tables of one stretch into tables of one shard, or one `Failure`.

    Args:
        setup: a `Setup`, pickled: what cannot be read back on a node is told as a `Failure`.
    """

    def __init__(self, setup: bytes) -> None:
        self._packed = setup
        self._opened: tuple[Setup, Encoder] | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """A table of the columns `SENT` → one of the columns `RETURNED`, a row each."""
        from ray import cloudpickle

        outcomes = [cloudpickle.dumps(self._outcome(one)) for one in table["stretch"].to_pylist()]
        return pa.table([table["number"].combine_chunks(), pa.array(outcomes, pa.large_binary())], schema=RETURNED)

    def _outcome(self, stretch: bytes) -> Shard | Failure:
        from ray import cloudpickle

        try:
            kind, parts = cloudpickle.loads(stretch)
            return self._shard(kind, parts)
        except MiranteError as error:
            return Failure(str(error), socket.gethostname())
        except Exception as error:  # told as data: Ray would show a traceback of its own parts
            return Failure(f"{type(error).__name__}: {error}", socket.gethostname())

    def _shard(self, kind: Kind, parts: Parts) -> Shard:
        setup, encoder = self._opened = self._opened or _open(self._packed)
        shelf = Memory(setup.dim)
        with LOCAL.lanes({kind: shelf}, encoder, setup.settings) as lanes:
            for content, load in parts:
                lanes[kind].add(content, load)
            lanes[kind].end()
        (shard,) = shelf.shards
        return shard


def _open(packed: bytes) -> tuple[Setup, Encoder]:
    from ray import cloudpickle

    setup: Setup = cloudpickle.loads(packed)
    _enter(setup.folder)
    if setup.threads:
        import torch

        torch.set_num_threads(setup.threads)
    encoder, wanted = setup.open(), setup.provenance
    if not (wanted.same_space(encoder.provenance) and setup.dim == encoder.dim):
        raise ModelError(
            f"{wanted.model!r} is another model there than where the command runs (revision "
            f"{encoder.provenance.revision}, not {wanted.revision}): give every node the same files and versions."
        )
    return setup, encoder


def _enter(folder: str) -> None:
    """Read relative paths as the driver does."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise UsageError(
            f"The folder {folder!r} of the command cannot be entered there ({error.strerror}): share it among the "
            "nodes under the same path."
        ) from error
