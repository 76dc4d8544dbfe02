"""The table of GPUs: memory, speed and dated prices; users edit their own copy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """One row.

    Args:
        name: as people call it.
        memory: GiB.
        fp32: peak TFLOPS of fp32 matrix products as torch makes them by default.
        bf16: peak TFLOPS, dense, of 16-bit matrix products.
        usd_per_hour: price.
        source: of the price.
        date: of the price, ISO.
    """

    name: str
    memory: float
    fp32: float
    bf16: float
    usd_per_hour: float
    source: str
    date: str
