"""How well an approximate index answers, measured against the exact answer, and the least effort that is enough.

Queries are halved: one half chooses the effort, the other measures the recall of what was chosen, so that the choice
does not flatter its own figure. Where the second half falls short, the effort rises until it does not.

Recall@k of a query is the share of its k answers that are no worse than the k-th exact one: equal rows are equally
good answers. Its interval (95 %) is Wilson's (1927), for as many queries as would vary as these do.
"""

import json
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeAlias
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from mirante import config
from mirante.errors import StoreError, UsageError
from mirante.types import Estimate, Scalar, Vectors

Shares: TypeAlias = NDArray[np.float64]
Source: TypeAlias = Literal["captions", "held-out rows"]

FILE = "tuned.json"
_TIMED = 50
_SURE = 1.645
_WIDE = 1.96
_OUTDATED = 10


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard an approximate structure looks.

    Args:
        reach: lists searched, or candidates kept in a graph; 0 where there are none.
        rescored: candidates for each result whose true scores are computed.
    """

    reach: int = 0
    rescored: int = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """Queries that an index is measured with, and the exact answer to each.

    Args:
        queries: (q, d) unit rows.
        least: (q,) the k-th exact score of each.
        k: answers that count.
        source: what the queries are.
    """

    queries: Vectors
    least: Vectors
    k: int
    source: Source

    @property
    def halves(self) -> tuple["Sample", "Sample"]:
        """Every other query, and the rest."""
        first, second = (Sample(self.queries[at::2], self.least[at::2], self.k, self.source) for at in range(2))
        return first, second


@dataclass(frozen=True, slots=True)
class Tuned:
    """An effort, and what was measured with it.

    Args:
        effort: of every search.
        target: recall that was asked for, 0 where none was.
        recall: mean over the queries, 0 to 1.
        low: lower end of its 95 % interval.
        high: upper end.
        k: answers that count.
        queries: how many it was measured on.
        source: what they are.
        milliseconds: median time of one query.
        rows: in the index when it was measured.
        changed: rows that came or went since.
        holds: False once the structure was made anew or a tenth of the rows changed.
    """

    effort: Effort
    target: float
    recall: float
    low: float
    high: float
    k: int
    queries: int
    source: Source
    milliseconds: float
    rows: int
    changed: int = 0
    holds: bool = True

    def after(self, changed: int, *, anew: Effort | None = None) -> "Tuned":
        """The same after so many more rows came or went; `anew` is the effort of a structure made anew."""
        total = self.changed + changed
        holds = self.holds and anew is None and _OUTDATED * total <= self.rows
        return replace(self, effort=anew or self.effort, changed=total, holds=holds)

    def about(self) -> dict[str, Scalar]:
        """As an index describes itself."""
        told = asdict(self)
        del told["effort"]
        return {"recall": told.pop("recall"), **{f"recall_{name}": value for name, value in told.items()}}


class Tunable(Interface):
    """An approximate index whose effort can be chosen."""

    @property
    def efforts(self) -> Sequence[Sequence[Effort]]:
        """Lines of efforts, along each of which recall and time rise; none where nothing is overlooked."""

    @property
    def effort(self) -> Effort:
        """That of a search."""

    def try_effort(self, effort: Effort) -> None:
        """Search so from now on."""

    def keep(self, tuned: Tuned) -> None:
        """Search so from now on, and say and save what was measured."""

    def __len__(self) -> int:
        """Rows that can be found."""

    def search(
        self, queries: Vectors, k: int, allowed: Collection[str] | None = None
    ) -> tuple[list[list[str]], Vectors]:
        """As `mirante.indexes.Index`."""


def measure(index: Tunable, sample: Sample, target: float = 0.0) -> Tuned:
    """Recall and time of an index as it is."""
    hits = _hits(index, sample)
    found, effort = interval(hits), index.effort
    return Tuned(
        effort, target, found.value, found.low, found.high, sample.k, len(hits), sample.source,
        timed(index, sample), len(index),
    )  # fmt: skip


def tune(index: Tunable, sample: Sample, target: float) -> Tuned:
    """The fastest effort whose recall reaches `target`; the most thorough one, and its recall, where none does."""
    choosing, judging = sample.halves
    chosen = []
    for line in index.efforts:
        at = _least(line, lambda effort: _surely(_hits(_with(index, effort), choosing), target))
        if at < len(line):
            chosen.append((timed(_with(index, line[at]), choosing), line[at:]))
    for _, line in sorted(chosen, key=lambda one: one[0]):
        for effort in line:
            found = measure(_with(index, effort), judging, target)
            if found.recall >= target:
                return found
    return measure(_with(index, index.efforts[-1][-1]), judging, target)


def interval(hits: Shares) -> Estimate:
    """The mean of (q,) shares and its 95 % interval.

    Example:
        >>> interval(np.ones(20))
        Estimate(value=1.0, low=0.8389, high=1.0)
    """
    mean, count = float(hits.mean()), float(len(hits))
    spread = float(hits.var(ddof=1)) if len(hits) > 1 else 0.0
    if spread > 0:
        count *= mean * (1 - mean) / spread
    square = _WIDE**2
    centre = (mean + square / (2 * count)) / (1 + square / count)
    half = _WIDE / (1 + square / count) * math.sqrt(max(0.0, mean * (1 - mean) / count + square / (4 * count**2)))
    return Estimate(round(mean, 4), round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4))


def timed(index: Any, sample: Sample) -> float:
    """Median milliseconds of one query, asked alone."""
    taken = []
    for at in range(min(_TIMED, len(sample.queries))):
        start = time.perf_counter()
        index.search(sample.queries[at : at + 1], sample.k)
        taken.append(1000 * (time.perf_counter() - start))
    return round(median(taken), 3)


def save(tuned: Tuned | None, folder: Path) -> None:
    """Write what was measured beside an index."""
    if tuned:
        (folder / FILE).write_text(json.dumps(asdict(tuned)), encoding="utf-8")


def load(folder: Path) -> Tuned | None:
    """What `save` wrote, None where nothing was measured.

    Raises:
        StoreError: it is damaged.
    """
    file = folder / FILE
    if not file.exists():
        return None
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(document, Mapping):
            raise UsageError(f"{str(file)!r} holds {type(document).__name__}, not an object.")
        return config.build(Tuned, document, str(file))
    except (OSError, ValueError, UsageError) as error:
        raise StoreError(f"The index file {str(file)!r} cannot be read ({error}): index the data again.") from error


def _hits(index: Tunable, sample: Sample) -> Shares:
    _, scores = index.search(sample.queries, sample.k)
    return np.asarray((scores >= sample.least[:, None]).mean(axis=1))


def _surely(hits: Shares, target: float) -> bool:
    """Whether the mean is above the target by what chance alone may give."""
    spread = float(hits.std(ddof=1)) / math.sqrt(len(hits)) if len(hits) > 1 else 0.0
    return round(float(hits.mean()) - _SURE * spread, 9) >= target


def _least(line: Sequence[Effort], enough: Callable[[Effort], bool]) -> int:
    """Place of the first effort that is enough, if recall rises along the line; its length where none is."""
    low, high = 0, len(line)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(line[middle]) else (middle + 1, high)
    return low


def _with(index: Tunable, effort: Effort) -> Tunable:
    index.try_effort(effort)
    return index
