"""One batch on every core: its parts run side by side, one thread each.

Threads that share the products of one network wait for one another at each of its layers, and for whatever else the
machine does meanwhile, such as decoding the next pictures; threads that have a part of the batch each wait once.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from mirante.runtimes import Inputs, Network
from mirante.types import Vectors


class Spread:
    """A network of one thread, called from `threads` of them; see `mirante.runtimes.Network`."""

    def __init__(self, network: Network, threads: int) -> None:
        self._network, self._threads = network, threads
        self._pool: Any = ThreadPoolExecutor(threads, thread_name_prefix="network")

    def __call__(self, inputs: Inputs) -> Vectors:
        """Named (B, …) arrays → (B, d) float32; a row does not depend on the part that it is in."""
        count = len(next(iter(inputs.values())))
        ends = np.linspace(0, count, min(self._threads, max(count, 1)) + 1).astype(int).tolist()
        parts = [{name: values[start:end] for name, values in inputs.items()} for start, end in pairwise(ends)]
        if len(parts) == 1:
            return self._network(inputs)
        return np.concatenate(list(self._pool.map(self._network, parts)))
