"""The training loop, from top to bottom: a batch, its gradient, one step; news, validation, a state to resume from."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from accelerate import Accelerator

from mirante.batch import Batches
from mirante.errors import TrainingError
from mirante.progress import track
from mirante.training.agreement import agreed
from mirante.training.config import TrainConfig
from mirante.training.gradients import Processes
from mirante.training.journal import Journal, news
from mirante.training.optimisers import Stepper
from mirante.training.state import Position, Scale, Store
from mirante.training.task import Task

if TYPE_CHECKING:
    from mirante.training.mining import Mining
    from mirante.training.spending import Spending

_EVERY = 20
"""Steps between lines of the log."""


@dataclass(frozen=True)
class Verdict:
    """What a validation found: news for the log, whether it is the best so far, and the value that decides."""

    news: Mapping[str, float]
    best: bool
    value: float


def run(
    config: TrainConfig,
    task: Task,
    batches: Batches,
    *,
    accelerator: Accelerator,
    look: Callable[[Position], Verdict] | None = None,
    mining: "Mining | None" = None,
    spending: "Spending | None" = None,
) -> Position:
    """Do `task` in place, from the newest state in `config.out` where there is one.

    Args:
        config: all the rest.
        task: its module is changed.
        batches: what each step sees.
        accelerator: device, precision and processes.
        look: a validation, called on the main process every `config.validate_every` steps.
        mining: where `batches` gather neighbours, what searches for them.
        spending: ends the run, at a state to go on from, where a budget is spent.

    Raises:
        TrainingError: the loss is no longer a number; the last state and the best checkpoint are kept.
        StoreError: a state cannot be written, or is of another model.
    """
    module, objective, main, out = task.module, task.objective, accelerator.is_main_process, Path(config.out)
    stepper = Stepper(config, module, objective, accelerator.scaler)
    more = ([mining] if mining else []) + ([Scale(accelerator.scaler)] if accelerator.scaler else [])
    store = Store(out, module, objective, stepper.optimisers, more)
    position = store.load()
    processes = Processes(accelerator.process_index, accelerator.num_processes)
    journal = Journal(out, position.step, tensorboard=config.tensorboard) if main else None
    last = position.step if _stale(position, config) else min(config.stop_after or config.steps, config.steps)
    last = position.step if spending and position.step < last and spending.spent() else last
    clock = time.monotonic() - position.seconds
    module.train()
    for step in _steps(position.step, last, config, lambda: time.monotonic() - clock):
        if mining:
            mining.search(task.encoder, step)
        batch = batches.draw(step, config.batch, seed=config.seed)
        stepper.zero()
        loss = task.gradients.backward(batch, (config.seed, step)).item()
        processes.add(stepper.weights)
        rate, norm = stepper.step(step)
        _check(config, step + 1, loss, norm if accelerator.scaler is None else 0.0)
        objective.clamp()
        position = position.after(loss, time.monotonic() - clock)
        over, due = step + 1 == last, bool(config.validate_every) and (step + 1) % config.validate_every == 0
        broke = spending is not None and not over and spending.spent()
        kept = over or due or broke or (step + 1) % config.save_every == 0
        if kept:  # before these weights replace good ones
            _check(config, step + 1, task.gradients.loss(batch, (config.seed, step)).item())
        if journal and (over or (step + 1) % _EVERY == 0):
            journal.write(step + 1, news(config, position, rate, norm))
        if look and (due or over):
            objective.write_back(module)
            verdict = agreed(accelerator, partial(look, position))
            position = position.judged(verdict.value, best=verdict.best)
            module.train()
            if journal:
                journal.write(step + 1, verdict.news)
        if main and kept:
            _keep(store, position, spending)
        if broke or _stale(position, config):
            break
    objective.write_back(module)
    module.eval()
    return position


def _steps(first: int, last: int, config: TrainConfig, seconds: Callable[[], float]) -> Iterator[int]:
    """The steps to do, with progress in pairs and the cost so far."""
    cost = (lambda: f"{seconds() / 3600 * config.usd_per_hour:.2f} USD") if config.usd_per_hour else str
    total = (last - first) * config.batch
    return track(range(first, last), "training", total=total, unit="pairs", size=lambda step: config.batch, note=cost)


def _keep(store: Store, position: Position, spending: "Spending | None") -> None:
    """Write a state, and what the run has taken up to it."""
    store.save(position)
    if spending:
        spending.keep()


def _stale(position: Position, config: TrainConfig) -> bool:
    """Whether the last validations were in vain, so that the run is over."""
    return 0 < config.patience <= position.stale


def _check(config: TrainConfig, step: int, loss: float, norm: float = 0.0) -> None:
    """Stop where the loss or the norm of its gradient is no number."""
    if math.isfinite(loss) and math.isfinite(norm):
        return
    raise TrainingError(
        f"At step {step} the loss is {loss}, the norm of its gradient {norm}: lower learning_rate "
        f"({config.learning_rate:g}) or clip ({config.clip:g}), or use precision fp32 ({config.memory.precision}). "
        f"The last state and the best checkpoint before it are kept in {config.out!r}."
    )
