"""The machine at hand: its memory, and how fast it multiplies matrices."""

import time
from dataclasses import dataclass
from typing import Any

from mirante import environment

_SIDE = 768
_SECONDS = 0.3
_SHARE = 0.6
"""Of the speed of its matrix products, what training reaches; a trial replaces this guess."""
_BANDWIDTH = {"cpu": 8e9, "cuda": 5e11}
"""Bytes that move in a second, for the optimiser."""


@dataclass(frozen=True)
class Device:
    """Where a run would take place.

    Args:
        name: `"cpu"`, or what the driver calls the GPU.
        kind: torch's name of its kind.
        memory: bytes, all of them.
        free: bytes that nobody uses now.
        speed: floating-point operations per second that training may reach.
        bandwidth: bytes per second.
    """

    name: str
    kind: str
    memory: int
    free: int
    speed: float
    bandwidth: float

    @property
    def processor(self) -> bool:
        """Whether memory is resident memory, not VRAM."""
        return self.kind != "cuda"


def present(precision: str = "fp32", threads: int = 0) -> Device:
    """The device that training would choose here; its speed is measured in less than a second.

    Args:
        precision: of the matrix products.
        threads: of torch, 0 for its own choice.
    """
    import torch

    kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    speed = _SHARE * _products(torch, kind, precision)
    torch.set_num_threads(before)
    if kind == "cuda":
        free, memory = torch.cuda.mem_get_info()
        return Device(torch.cuda.get_device_name(), kind, memory, free, speed, _BANDWIDTH["cuda"])
    return Device(kind, kind, *environment.memory(), speed, _BANDWIDTH["cpu"])


def _products(torch: Any, kind: str, precision: str) -> float:
    """Operations per second of square matrix products."""
    side = _SIDE if kind == "cpu" else 4096
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    left = torch.ones(side, side, dtype=kinds[precision], device=kind)
    left @ left
    count, start = 0, time.perf_counter()
    while (gone := time.perf_counter() - start) < _SECONDS or not count:
        product = left @ left
        product[0, 0].item()  # waits for the device
        count += 1
    return float(2 * side**3 * count / max(gone, 1e-9))
