"""Weights between two models: what a fine-tune learnt against what it forgot, in one number.

WiSE-FT (Wortsman et al. 2022, arXiv 2109.01903): a model whose weights are (1 − α)·start + α·end often keeps most of
what the fine-tune learnt and loses little of what the start knew. Every α is measured on both sides; a rule picks one.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mirante import environment
from mirante.errors import UsageError
from mirante.evaluation import Settings
from mirante.evaluation.files import write
from mirante.progress import track
from mirante.training.between import Between
from mirante.training.sides import Side, Sides
from mirante.training.snapshot import Measured
from mirante.types import Encoder, Provenance

NAME = "blend.json"
METRIC = "hit_rate@1"
ALPHAS = tuple(step / 10 for step in range(11))
TOLERANCE = 3.0


@dataclass(frozen=True)
class Point:
    """What the model at `alpha` reaches on both sides."""

    alpha: float
    target: Measured
    retain: Measured


@dataclass(frozen=True)
class Blend:
    """What was measured between two models, and which α was chosen.

    Args:
        start: the model at α = 0.
        end: the model at α = 1.
        points: by rising α; the first is the start.
        tolerance: points of `hit_rate@1` that the retained data may lose.
        chosen: the α of the checkpoint.
        checkpoint: folder that opens as a model.
        metric: by which it was chosen.
    """

    start: Provenance
    end: Provenance
    points: tuple[Point, ...]
    tolerance: float
    chosen: float
    checkpoint: Path
    metric: str = METRIC

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante blend --json`, and of `blend.json`."""
        first = self.points[0]
        rows = [{**asdict(one), "lost": lost(first, one), "allowed": _allowed(first, one, self)} for one in self.points]
        return {**asdict(self), "schema": 1, "points": rows, "checkpoint": str(self.checkpoint)}


def blend(
    start: Encoder,
    end: Encoder,
    *,
    target: Side,
    retain: Side,
    out: Path,
    alphas: Iterable[float] = ALPHAS,
    tolerance: float = TOLERANCE,
) -> Blend:
    """Measure every α, choose one, and leave `out/checkpoint` and `out/blend.json`.

    Args:
        start: what the fine-tune began with; its weights are changed.
        end: what it ended with.
        target: what the fine-tune was for.
        retain: what must not be forgotten.
        out: folder of the results.
        alphas: from 0 to 1; 0 is added where it is missing, because the rule compares with it.
        tolerance: points of `hit_rate@1` that the retained data may lose.

    Raises:
        UsageError: an α outside 0 to 1, or a tolerance below 0.
        ModelMismatch: the two models are not built alike, or read pictures or texts differently.
        ModelError: one of them has no weights.
        StoreError: the disk is full.
    """
    steps, began = _steps(alphas, tolerance), time.monotonic()
    between = Between(start, end)
    sides = Sides(target, retain, between.moved)
    points = tuple(
        Point(alpha, *sides.measure(between.at(alpha))) for alpha in track(steps, "blend", total=len(steps), unit="α")
    )
    chosen = choose(points, tolerance).alpha
    checkpoint = between.at(chosen).save(out / "checkpoint")
    made = Blend(start.provenance, end.provenance, points, tolerance, chosen, checkpoint)
    told = {**environment.describe(), "seed": Settings().seed, "seconds": time.monotonic() - began}
    document = {**made.to_dict(), "environment": told}
    write(out / NAME, (json.dumps(document, ensure_ascii=False, indent=1), "\n"))
    return made


def choose(points: Sequence[Point], tolerance: float) -> Point:
    """The highest `hit_rate@1` on the target among those that lose at most `tolerance` points of the retained one.

    The loss is counted from the first point, the start, which is therefore always allowed. Of equal ones the smallest
    α is chosen.
    """
    allowed = [one for one in points if _within(lost(points[0], one), tolerance)]
    return max(allowed, key=lambda one: (one.target.metrics[METRIC].value, -one.alpha))


def lost(start: Point, one: Point) -> float:
    """Points of `hit_rate@1` that `one` has less than `start` on the retained data."""
    return 100 * (start.retain.metrics[METRIC].value - one.retain.metrics[METRIC].value)


def _steps(alphas: Iterable[float], tolerance: float) -> tuple[float, ...]:
    given = tuple(alphas)
    for alpha in given:
        if not 0 <= alpha <= 1:
            raise UsageError(f"alpha must be from 0 (the start) to 1 (the end), not {alpha:g}: leave it out.")
    if not tolerance >= 0:
        raise UsageError(f"tolerance must be 0 points or more, not {tolerance:g}: 3 is usual.")
    return tuple(sorted({0.0, *given}))


def _within(loss: float, tolerance: float) -> bool:
    """Whether a loss in points is tolerated, rounding aside."""
    return loss <= tolerance + 1e-9


def _allowed(start: Point, one: Point, made: Blend) -> bool:
    return _within(lost(start, one), made.tolerance)
