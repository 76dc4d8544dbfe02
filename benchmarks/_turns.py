"""Several ways of one work, timed in turns, so that what else the machine does falls on all of them alike."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any


def timed(work: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(works: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each over the rounds; call each once before, to warm up."""
    rounds = [{name: timed(work) for name, work in works.items()} for _ in range(repeats)]
    return {name: median(one[name] for one in rounds) for name in works}
