"""Engines that run an exported network on the processor: one file here is one engine.

A network is a file in ONNX with named inputs, each (B, …) with B free, and one output (B, d). A component provides
`PRECISIONS`, the number formats that it computes in, and `open(file, precision, threads)`; `torch`, which runs a model
as it is, is none of them. What it opens is called from `threads` threads at once, each with a part of a batch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias
from typing import Protocol as Interface

from numpy.typing import NDArray

from mirante import registry
from mirante.errors import UnknownName
from mirante.types import Vectors

__all__ = ["Inputs", "Network", "check", "names", "open_network"]

Inputs: TypeAlias = Mapping[str, NDArray[Any]]
"""Name → (B, …) array."""


class Network(Interface):
    """An exported network that is ready to run; threads may share it."""

    def __call__(self, inputs: Inputs) -> Vectors:
        """Named (B, …) arrays → features (B, d) float32, not normalised."""


def names() -> tuple[str, ...]:
    """Every engine, `torch` first; loads no library."""
    return ("torch", *registry.names(__name__))


def check(runtime: str, precision: str) -> None:
    """Let pass an engine that computes in that number format.

    Raises:
        UnknownName: no such engine, or it does not compute in `precision`.
    """
    if runtime not in names():
        raise UnknownName("runtime", runtime, names())
    known = ("fp32", "fp16", "bf16") if runtime == "torch" else registry.load(__name__, runtime).PRECISIONS
    if precision not in known:
        raise UnknownName(f"precision of the runtime {runtime!r}", precision, known)


def open_network(runtime: str, file: Path, *, precision: str = "fp32", threads: int = 1) -> Network:
    """Make the network in `file` ready.

    Args:
        runtime: an engine other than `torch`.
        file: `.onnx`; for int8 one that is quantised already.
        precision: what it computes in.
        threads: of the processor, at least 1; a batch is divided among them.

    Raises:
        MissingLibrary: the engine is not installed.
        ModelError: the file cannot be read.
    """
    from mirante.runtimes._spread import Spread

    return Spread(registry.load(__name__, runtime).open(file, precision, threads), threads)
