"""The table of GPUs: memory, speed and dated prices; users edit their own copy."""

import os
from dataclasses import dataclass
from datetime import date as calendar
from importlib.resources import files
from pathlib import Path

from mirante import config
from mirante.errors import UnknownName, UsageError

GIB = 1 << 30
EFFICIENCY = {"fp32": 0.6, "half": 0.35}
"""Shares of the peak that training of such towers reaches, norms, activations and optimiser included. Our assumption,
checked against published figures only: BLIP at 13.5 pictures a second on a T4, and thirty thousand pictures in half an
hour at half a dollar an hour."""


@dataclass(frozen=True)
class Gpu:
    """One row.

    Args:
        name: as people call it.
        memory: GiB that a program finds.
        fp32: peak TFLOPS of fp32 matrix products as torch makes them by default.
        half: peak TFLOPS, dense, of 16-bit matrix products.
        usd_per_hour: price.
        source: of the price.
        date: of the price, ISO.
        bf16: whether its 16 bits can be bfloat16; else float16 only.
    """

    name: str
    memory: float
    fp32: float
    half: float
    usd_per_hour: float
    source: str
    date: str
    bf16: bool = True

    def __post_init__(self) -> None:
        for field in ("memory", "fp32", "half", "usd_per_hour"):
            if not 0 < getattr(self, field) < float("inf"):
                raise UsageError(f"{field} of the GPU {self.name!r} must be above 0, not {getattr(self, field)}.")
        try:
            calendar.fromisoformat(self.date)
        except ValueError as error:
            raise UsageError(
                f"date of the GPU {self.name!r} must be a day like 2026-11-09, not {self.date!r}."
            ) from error

    def speed(self, precision: str) -> float:
        """Floating-point operations per second that training reaches."""
        if precision == "fp32":
            return 1e12 * self.fp32 * EFFICIENCY["fp32"]
        return 1e12 * self.half * EFFICIENCY["half"]


@dataclass(frozen=True)
class Table:
    """The file.

    Args:
        gpu: its rows.
    """

    gpu: tuple[Gpu, ...]


def load(path: Path | None = None) -> tuple[Gpu, ...]:
    """The rows of `path`; by default of the user's own table where there is one, else of ours.

    Raises:
        UsageError: the file is missing, or not such a table.
    """
    if path is None and own().is_file():
        path = own()
    return config.read(path or Path(str(files(__package__).joinpath("gpus.toml"))), Table).gpu


def own() -> Path:
    """Where a user's own table is looked for: `gpus.toml` in `XDG_CONFIG_HOME/mirante`, or `~/.config/mirante`."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "mirante" / "gpus.toml"


def named(name: str, table: tuple[Gpu, ...]) -> Gpu:
    """The row of that name, whatever its case.

    Raises:
        UnknownName: there is none.
    """
    for one in table:
        if one.name.casefold() == name.casefold():
            return one
    raise UnknownName("GPU", name, (one.name for one in table))


def like(device: str, table: tuple[Gpu, ...]) -> Gpu | None:
    """The row of what a driver calls its device, e.g. `"NVIDIA H100 80GB HBM3"`, None where no row is near.

    >>> from mirante.cost.gpus import load, like
    >>> like("NVIDIA GeForce RTX 4090", load()).name, like("NVIDIA H100 80GB HBM3", load()).name
    ('RTX 4090', 'H100 SXM')
    """
    said = device.casefold().replace("hbm3", "sxm").replace("-", " ").split()
    best, most = None, 0
    for one in table:
        words = one.name.casefold().split()
        shared = sum(word in said for word in words)
        if words and any(word in said for word in words if word[-1].isdigit() or word[-1] == "s") and shared > most:
            best, most = one, shared
    return best
