"""How often 95 % intervals hold the truth, and how often tests at 5 % reject what is true, by simulation.

    python benchmarks/intervals.py [--replications 2000] [--images 100 300 1000] [--correlation 0.3] [--processes 2]

The world: each image has five captions; the logarithm of a rank is normal, `offset + 2 z`, and the z of one image's
captions are correlated. The offset is solved for, so that a metric has a wanted true value.

- Captions ask (text to image): five queries an image, one right answer each, which is where clusters matter. With one
  right answer `hit_rate@K` and `recall@K` are one number, alike for each K, and `map` is `mrr`.
- Images ask (image to text): one query with five right answers, where fractional recall and `map` are their own.

Two models of equal quality share half of their variance. Prints, for each number of images,

- the share of intervals that hold the truth (93 to 97 % is aimed at), and of those that lie wholly above or below it,
  for both methods;
- the share of p values at or below 0.05 when two models are equally good (4 to 6 % is aimed at): randomisation, paired
  bootstrap;
- the share of true differences of the size `smallest_difference` that the randomisation test finds (80 % is wanted);

then one JSON document. With 2,000 replications the standard error of a share near 0.95 is 0.005.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from multiprocessing import get_context
from statistics import NormalDist
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from mirante.evaluation.clusters import Clusters
from mirante.evaluation.intervals import SHARE, Bootstrap, Method, interval
from mirante.evaluation.metrics import metric
from mirante.evaluation.ranks import Ranks
from mirante.evaluation.resampling import resample
from mirante.evaluation.significance import centred, randomisation, smallest_difference

EACH, SPREAD = 5, 2.0
CAPTIONS_ASK = ("hit_rate@1", "mrr", "ndcg@10")
IMAGES_ASK = ("recall@5", "ndcg@10", "map")
VALUES = (0.02, 0.5, 0.95)
MEDIAN = 20.0
METHODS: tuple[Method, ...] = get_args(Method)
DRAWS = 1000
PART = 50
"""Replications that one process does at a time."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """A metric, its true value, and whether images ask (one query with five right answers)."""

    metric: str
    value: float
    images_ask: bool = False

    @property
    def name(self) -> str:
        """The metric, with what asks where it is not a caption."""
        return f"{self.metric} (images)" if self.images_ask else self.metric

    @property
    def median(self) -> bool:
        """Whether the figure is a median."""
        return metric(self.metric).summary == "median"

    def values(self, z: Array, location: float) -> Array:
        """One value per query for normal deviates `z`, a row an image, where log(rank) is `location + 2 z`."""
        found = 1 + np.floor(np.exp(np.minimum(location + SPREAD * z, 30.0))).astype(np.int64)
        if not self.images_ask:
            return metric(self.metric).values(Ranks(("",) * z.size, found.ravel(), np.arange(z.size + 1)))
        found.sort(axis=1)
        steps = np.arange(z.shape[1])
        found = np.maximum.accumulate(found - steps, axis=1) + steps  # two answers never share a rank
        return metric(self.metric).values(
            Ranks(("",) * len(z), found.ravel(), np.arange(0, z.size + 1, z.shape[1], dtype=np.int64))
        )

    def truth(self, correlation: float, shift: float = 0.0) -> float:
        """The expected value of a query; `shift` makes every rank worse."""
        z = population(correlation) if self.images_ask else deviates()
        return float(np.mean(self.values(z, offset(self, correlation) + shift)))

    def clusters(self, images: int) -> Clusters:
        """The image behind each query."""
        return Clusters.of([str(at) for at in range(images) for _ in range(1 if self.images_ask else EACH)])


CELLS = (
    *(Cell(name, value) for name, value in product(CAPTIONS_ASK, VALUES)),
    *(Cell(name, value, images_ask=True) for name, value in product(IMAGES_ASK, VALUES)),
    Cell("median_rank", MEDIAN),
)


@cache
def offset(cell: Cell, correlation: float) -> float:
    """The location of log(rank) that gives the true value: by bisection, the metric falls as the ranks grow."""
    if cell.median:
        return float(np.log(cell.value - 0.5))
    z = population(correlation) if cell.images_ask else deviates()
    low, high = -15.0, 25.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if float(np.mean(cell.values(z, middle))) > cell.value else (low, middle)
    return low


@cache
def deviates(count: int = 50_000) -> Array:
    """The normal distribution as equally likely deviates, a column: what one caption's rank is drawn from."""
    return np.array([NormalDist().inv_cdf((at + 0.5) / count) for at in range(count)])[:, None]


@cache
def population(correlation: float) -> Array:
    """100,000 images that stand for all: the image's part and each caption's take every deviate once, in any order."""
    random, column = np.random.default_rng(1), deviates(100_000)[:, 0]
    captions = np.stack([random.permutation(column) for _ in range(EACH)], axis=1)
    return np.asarray(np.sqrt(correlation) * column[:, None] + np.sqrt(1 - correlation) * captions)


def world(random: np.random.Generator, images: int, correlation: float) -> Array:
    """(images, 5) standard normal deviates, correlated within a row."""
    image, caption = random.standard_normal((images, 1)), random.standard_normal((images, EACH))
    return np.asarray(np.sqrt(correlation) * image + np.sqrt(1 - correlation) * caption)


def coverage(
    images: int,
    *,
    cells: Sequence[Cell] = CELLS,
    replications: int,
    correlation: float = 0.3,
    seed: int = 0,
    pool: Executor | None = None,
) -> dict[tuple[Method, Cell], tuple[float, float, float]]:
    """(method, cell) → shares of intervals that hold the truth, lie above it, lie below it."""
    locations = tuple(offset(cell, correlation) for cell in cells)
    work = partial(_held, images=images, cells=cells, locations=locations, correlation=correlation, seed=seed)
    found = _shares(work, replications, pool)
    pairs = product(range(len(METHODS)), range(len(cells)))
    return {(METHODS[way], cells[at]): tuple(found[way, at].tolist()) for way, at in pairs}


def _held(
    numbers: range, *, images: int, cells: Sequence[Cell], locations: Sequence[float], correlation: float, seed: int
) -> Array:
    """(2, cells, 3) counts of intervals that hold the truth, lie above it, lie below it, over some replications."""
    found = np.zeros((len(METHODS), len(cells), 3))
    groups = [[at for at, cell in enumerate(cells) if cell.images_ask is way] for way in (False, True)]
    places = [places for places in groups if places]
    clusters = [cells[own[0]].clusters(images) for own in places]
    for number in numbers:
        z = world(np.random.default_rng([seed, number]), images, correlation)
        for own, groups_of in zip(places, clusters, strict=True):
            columns = {str(at): cells[at].values(z, locations[at]) for at in own}
            medians = [str(at) for at in own if cells[at].median]
            drawn = resample(columns, groups_of, medians=medians, resamples=DRAWS, seed=number)
            for (way, method), at in product(enumerate(METHODS), own):
                one = interval(drawn[str(at)], Bootstrap(method=method), None if cells[at].median else SHARE)
                truth = cells[at].value
                found[way, at, 1 if one.low > truth else 2 if one.high < truth else 0] += 1
    return found


def size(
    images: int,
    *,
    cells: Sequence[Cell],
    replications: int,
    correlation: float = 0.3,
    shifts: Sequence[float] = (),
    seed: int = 0,
    draws: int = DRAWS,
    pool: Executor | None = None,
) -> dict[Cell, tuple[float, float, float]]:
    """Cell → share of p ≤ 0.05 of the randomisation test and the paired bootstrap, mean `smallest_difference`.

    `shifts` make the second model worse, cell by cell; without them the two are equally good. Each test takes `draws`.
    """
    first = [offset(cell, correlation) for cell in cells]
    second = [location + shift for location, shift in zip(first, shifts or [0.0] * len(cells), strict=True)]
    locations = tuple(zip(first, second, strict=True))
    common: dict[str, Any] = {"images": images, "cells": cells, "correlation": correlation, "seed": seed}
    work = partial(_rejected, locations=locations, draws=draws, **common)
    return dict(zip(cells, map(tuple, _shares(work, replications, pool).tolist()), strict=True))


def _rejected(
    numbers: range,
    *,
    images: int,
    cells: Sequence[Cell],
    locations: Sequence[tuple[float, float]],
    correlation: float,
    seed: int,
    draws: int,
) -> Array:
    """(cells, 3) sums of rejections by both tests and of the smallest difference, over some replications."""
    found, clusters = np.zeros((len(cells), 3)), cells[0].clusters(images)
    for number in numbers:
        random = np.random.default_rng([seed, number, 1])
        shared, one, other = (world(random, images, correlation) for _ in range(3))
        first, second = ((shared + own) / np.sqrt(2) for own in (one, other))
        columns = {}
        for at, (cell, (better, worse)) in enumerate(zip(cells, locations, strict=True)):
            columns[str(at)] = cell.values(first, better) - cell.values(second, worse)
        drawn = resample(columns, clusters, resamples=draws, seed=number)
        chances = randomisation(list(columns.values()), clusters, flips=draws, seed=number)
        for at, (sample, column) in enumerate(zip(drawn.values(), columns.values(), strict=True)):
            bootstrap = centred(sample.draws, sample.value)
            found[at] += chances[at] <= 0.05, bootstrap <= 0.05, smallest_difference(column, clusters)
    return found


def power(
    images: int,
    *,
    cells: Sequence[Cell],
    replications: int,
    correlation: float = 0.3,
    seed: int = 0,
    draws: int = DRAWS,
    pool: Executor | None = None,
) -> dict[Cell, float]:
    """Cell → share found by the randomisation test when the true difference is `smallest_difference`, in the mean."""
    shifts = [0.0] * len(cells)
    common: dict[str, Any] = {"cells": cells, "correlation": correlation, "pool": pool}
    for _ in range(3):  # the smallest difference moves a little with the shift itself
        pilot = size(images, replications=40, shifts=shifts, seed=seed + 1, draws=100, **common)
        shifts = [_shift(cell, pilot[cell][2], correlation) for cell in cells]
    found = size(images, replications=replications, shifts=shifts, seed=seed, draws=draws, **common)
    return {cell: found[cell][0] for cell in cells}


def _shift(cell: Cell, difference: float, correlation: float) -> float:
    """What makes the second model worse by `difference`."""
    low, high, best = 0.0, 10.0, cell.truth(correlation)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if best - cell.truth(correlation, middle) < difference else (low, middle)
    return low


def _shares(work: Callable[[range], Array], replications: int, pool: Executor | None) -> Array:
    """Sum what `work` counts over all replications, in parts, and divide; each replication has a seed of its own."""
    parts = [range(start, min(start + PART, replications)) for start in range(0, replications, PART)]
    found: Iterator[Array] = pool.map(work, parts) if pool else map(work, parts)
    return np.asarray(sum(found) / replications)


def measure(images: int, wanted: argparse.Namespace, pool: Executor | None) -> list[dict[str, Any]]:
    """Every cell at one number of images, printed and as plain values."""
    common: dict[str, Any] = {"replications": wanted.replications, "correlation": wanted.correlation, "pool": pool}
    held = coverage(images, seed=wanted.seed, **common)
    means = [cell for cell in CELLS if not cell.median]
    rejected: dict[Cell, tuple[float, float, float]] = {}
    shown: dict[Cell, float] = {}
    for way in (False, True):
        own = [cell for cell in means if cell.images_ask is way]
        rejected |= size(images, cells=own, seed=wanted.seed, **common)
        shown |= power(images, cells=[cell for cell in own if cell.value == 0.5], seed=wanted.seed, **common)
    print(f"\n{images} images x {EACH} captions, correlation {wanted.correlation} ({wanted.replications} samples)")
    print(f"{'metric':16} {'truth':>5} | {'percentile':^20} | {'bca':^20} | flips  boot | power")
    found = []
    for cell in CELLS:
        ways = [" ".join(f"{share:6.3f}" for share in held[method, cell]) for method in ("percentile", "bca")]
        tests = " ".join(f"{share:.3f}" for share in rejected[cell][:2]) if cell in rejected else " " * 11
        power_of = f"{shown[cell]:.3f}" if cell in shown else ""
        print(f"{cell.name:16} {cell.value:5} | {ways[0]} | {ways[1]} | {tests} | {power_of}")
        found.append(
            {"images": images, "metric": cell.name, "truth": cell.value, "power": shown.get(cell)}
            | {method: held[method, cell] for method in METHODS}
            | {"size": rejected.get(cell, (None, None))[:2]}
        )
    return found


def main() -> None:
    """Simulate, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--images", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--correlation", type=float, default=0.3, help="between the captions of an image")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # of the processes started below: one thread each
    start, cells = time.perf_counter(), []
    several = ProcessPoolExecutor(wanted.processes, get_context("spawn")) if wanted.processes > 1 else nullcontext()
    with several as pool:
        for images in wanted.images:
            cells += measure(images, wanted, pool)
    seconds, used = time.perf_counter() - start, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    cpu = sum(sum(resource.getrusage(one)[:2]) for one in used)
    print(f"\n{seconds:.0f} s on {wanted.processes} processes, {cpu:.0f} s of processor time")
    settings = {"correlation": wanted.correlation, "replications": wanted.replications}
    print(json.dumps(settings | {"seconds": round(seconds), "cpu_seconds": round(cpu), "cells": cells}))


if __name__ == "__main__":
    main()
