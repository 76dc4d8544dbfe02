"""How long a run takes, part by part, on a device of a given speed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mirante.cost.shapes import Shape
from mirante.cost.sizes import Sizes
from mirante.cost.work import Work, forward
from mirante.training import TrainConfig

START = 10.0
"""Seconds until the libraries are loaded and the data and the model are open."""
DECODE = 0.01
"""Seconds to decode and resize a photograph on one core."""
JUDGE = 0.0005
"""Seconds to judge one query, intervals included."""
LAUNCH = 0.001
"""Seconds to hand the forward and the backward pass of a block to a GPU. Our assumption."""
_MOVED = 40
"""Bytes that clipping and the optimiser move for each trained number."""
_NEWTON = 5
"""Steps of Newton and Schulz that Muon takes."""


@dataclass(frozen=True)
class Plan:
    """A run whose sizes are known.

    Args:
        config: the run.
        shape: of its model.
        work: what a step does.
        sizes: of its data.
        steps: of the optimiser.
    """

    config: TrainConfig
    shape: Shape
    work: Work
    sizes: Sizes
    steps: int

    @property
    def pictures(self) -> int:
        """That are learnt from; as many as are seen, where nothing says how many there are."""
        return self.sizes.learnt.pictures or self.steps * self.config.batch


def step_seconds(plan: Plan, work: Work, *, speed: float, bandwidth: float) -> float:
    """Of one step by arithmetic alone."""
    operations = work.step() + (_orthogonal(plan.shape) if plan.config.optimiser == "muon" else 0.0)
    return operations / speed + _MOVED * plan.shape.parameters.trained / bandwidth


def seconds(plan: Plan, step: float, *, speed: float, cores: int, decode: float = DECODE) -> Mapping[str, float]:
    """Of the whole run: start, pictures, training, measuring.

    Args:
        plan: the run.
        step: seconds of one step.
        speed: operations per second outside of steps.
        cores: that decode pictures.
        decode: seconds of one picture on one core.
    """
    config, shape = plan.config, plan.shape
    image, text = forward(shape.image), forward(shape.text)
    images, captions = plan.sizes.measured
    once = (images * image + captions * text) / speed + images * decode + captions * JUDGE
    times = (1 if config.model.start else 0) + 1
    looks = math.ceil(plan.steps / config.validate_every) if config.validate_every else 0
    searches = math.ceil(plan.steps / config.hard.every) if config.hard else 0
    searching = searches * plan.pictures * (image + text) / speed
    return {
        "start": START,
        "pictures": plan.pictures * decode / max(1, cores),
        "training": plan.steps * step + plan.work.locked(plan.pictures) / speed + searching,
        "measuring": once * (times + looks),
    }


def launches(work: Work) -> float:
    """Seconds in which a GPU's work of one step can at best be handed to it, however small the work is."""
    sides = (work.images, work.texts)
    return LAUNCH * sum(
        side.tower.depth * side.views * math.ceil(side.items / side.chunk) for side in sides if side.items
    )


def _orthogonal(shape: Shape) -> float:
    """Operations of Muon's step."""
    found = 0.0
    for (rows, columns), count in shape.matrices.items():
        short, long = min(rows, columns), max(rows, columns)
        found += count * _NEWTON * (4 * short * short * long + 2 * short**3)
    return found
