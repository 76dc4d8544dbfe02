"""How long a run takes, part by part, on a device of a given speed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mirante.cost.memory import NUMBER, optimiser
from mirante.cost.shapes import Shape
from mirante.cost.sizes import Sizes
from mirante.cost.work import Work, forward
from mirante.training import TrainConfig
from mirante.training.config import Caption

START = 10.0
"""Seconds until the libraries are loaded and the data and the model are open."""
DECODE = 0.01
"""Seconds to decode and resize a photograph on one core."""
JUDGE = 0.0005
"""Seconds to judge one query, intervals included."""
LAUNCH = 0.001
"""Seconds to hand the forward and the backward pass of a block to a GPU. Our assumption."""
BATCH = 16
"""Pictures that are captioned at once."""
_MOVED = 40
"""Bytes that clipping and the optimiser move for each trained number."""
_WRITTEN = 3e8
"""Bytes of a state that a disk takes in a second."""
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


@dataclass(frozen=True)
class Pace:
    """How fast a device is with a run.

    Args:
        step: seconds of one step.
        speed: operations per second outside of steps.
        cores: that decode pictures.
        decode: seconds of one picture on one core.
        first: seconds that the first step takes longer.
        saving: seconds of a state, None for arithmetic.
    """

    step: float
    speed: float
    cores: int
    decode: float = DECODE
    first: float = 0.0
    saving: float | None = None


def seconds(plan: Plan, pace: Pace) -> Mapping[str, float]:
    """Of the whole run: start, pictures, training, measuring.

    A state is written after the weights were tried on their batch, a third of a step.
    """
    config, shape, speed, decode = plan.config, plan.shape, pace.speed, pace.decode
    image, text = forward(shape.image), forward(shape.text)
    images, captions = plan.sizes.measured
    once = (images * image + captions * text) / speed + images * decode + captions * JUDGE
    if config.caption:
        once = _writing(plan, config.caption, images, speed=speed) + images * decode + captions * JUDGE
    times = (0 if config.model.start is None or (config.caption and config.caption.decoder) else 1) + 1
    looks = math.ceil(plan.steps / config.validate_every) if config.validate_every else 0
    searches = math.ceil(plan.steps / config.hard.every) if config.hard else 0
    searching = searches * plan.pictures * (image + text) / speed
    written = NUMBER * shape.parameters.trained + optimiser(config, shape)
    saving = pace.step / 3 + written / _WRITTEN if pace.saving is None else pace.saving
    saved = states(plan.steps, config.save_every, config.validate_every) * saving
    return {
        "start": START,
        "pictures": plan.pictures * decode / max(1, pace.cores),
        "training": pace.first + plan.steps * pace.step + plan.work.locked(plan.pictures) / speed + searching + saved,
        "measuring": once * (times + looks),
    }


def _writing(plan: Plan, caption: Caption, pictures: int, *, speed: float) -> float:
    """Seconds to write captions of so many pictures: word after word, each handed to every layer of the decoder."""
    shape = plan.shape
    operations = pictures * (forward(shape.image) + caption.beams * forward(shape.text))
    words = math.ceil(pictures / BATCH) * caption.tokens
    return operations / speed + words * shape.text.depth * LAUNCH


def states(steps: int, *every: int) -> int:
    """How many states a run writes: every so many steps, where that is not 0, and after the last.

    >>> states(10, 4, 0), states(12, 4, 6), states(3, 500, 0)
    (3, 4, 1)
    """
    return len({steps} | {step for one in every if one for step in range(one, steps + 1, one)})


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
