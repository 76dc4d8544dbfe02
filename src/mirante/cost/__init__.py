"""What a run will need, before anything is spent: parameters, memory, disk, hours, money.

`estimate` is the way in, from top to bottom: the shape of the model and the size of the data, from the configuration
alone; arithmetic for memory and time; a few real steps on the present device that correct it; a table of GPUs.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mirante.cost import captioners, disk, hours, memory, notes, trial
from mirante.cost.answer import DataSize, Estimate, Expected, Need, Note, Row, Trial
from mirante.cost.devices import Device, present
from mirante.cost.gpus import GIB, Gpu, like, load, named
from mirante.cost.hours import Pace, Plan
from mirante.cost.keeping import recall, remember
from mirante.cost.shapes import shape
from mirante.cost.sizes import sizes, texts_per_picture
from mirante.cost.work import work
from mirante.errors import MiranteError, UsageError
from mirante.training import Parameters, TrainConfig, check

__all__ = [
    "DataSize",
    "Estimate",
    "Expected",
    "Gpu",
    "Need",
    "Note",
    "Row",
    "Trial",
    "estimate",
    "load",
    "named",
    "predict",
    "recall",
    "remember",
]

LONGEST = 6.0
"""Seconds that one step of a trial may take by arithmetic; larger batches are tried in part."""
ROOM = 0.7
"""Share of the free memory that a trial may take."""
CORES = 8
"""Of a rented machine, for decoding."""


def estimate(
    config: TrainConfig,
    *,
    probe: bool = True,
    usd_per_hour: float | None = None,
    gpus: Sequence[Gpu] | None = None,
) -> Estimate:
    """Say what `config` will need; no weights and no pictures are downloaded.

    Args:
        config: the run.
        probe: try a few real steps on the present device, about 30 seconds; else arithmetic alone answers.
        usd_per_hour: price of the present device; by default the configuration's.
        gpus: the table, by default that of `load()`.

    Raises:
        UsageError: the model's shape is neither here nor known, nothing says how many steps there are, or the
            configuration is wrong.
        TrainingError: the trial failed.
    """
    check(config)
    price = config.usd_per_hour if usd_per_hour is None else usd_per_hour
    plan = _plan(config)
    device = present(config.memory.precision, config.threads)
    tried = _try(plan, device) if probe and trial.possible(plan) else None
    if tried:
        plan = _corrected(plan, tried)
    here = _here(plan, device, tried)
    taken = hours.seconds(plan, here.pace)
    whole = sum(taken.values()) / 3600
    table = tuple(gpus if gpus is not None else load())
    room = disk.need(plan)
    return Estimate(
        parameters=plan.shape.parameters,
        data=plan.sizes.learnt,
        steps=plan.steps,
        flops=plan.steps * plan.work.step() + plan.work.locked(plan.pictures),
        device=device.name,
        memory=here.need,
        disk=room,
        hours=whole,
        seconds=taken,
        step_seconds=here.pace.step,
        usd=whole * price if price else None,
        rows=_rows(plan, table, device, here),
        trial=here.trial,
        notes=notes.of(plan, device, here.need, room, trial=here.trial, table=table),
    )


def predict(config: TrainConfig) -> Expected | None:
    """What to hold a run against: the estimate kept for it, else one by arithmetic, None where none can be made."""
    try:
        return recall(config) or estimate(config, probe=False).expected()
    except MiranteError:
        return None


def _plan(config: TrainConfig) -> Plan:
    found = sizes(config.data)
    model = captioners.shape(config, config.caption) if config.caption else shape(config)
    pictures = found.learnt.pictures
    if config.epochs and pictures is None:
        raise UsageError(
            f"Nothing says how many pictures {config.data.address!r} has, so its epochs cannot be told in steps: give "
            "steps instead, or data.limit."
        )
    steps = math.ceil(config.epochs * (pictures or 0) / config.batch) if config.epochs else config.steps
    steps = min(steps, config.stop_after or steps)
    return Plan(config, model, work(config, model, texts_per_picture=texts_per_picture(config.data)), found, steps)


def _try(plan: Plan, device: Device) -> trial.Tried:
    """A trial of the configuration's batch, or of the part of it that the time and the memory allow."""
    batch = plan.config.batch
    while batch > 2 and not _allowed(plan, batch, device):
        batch = max(2, batch // 2)
    return trial.run(plan.config, batch)


def _allowed(plan: Plan, batch: int, device: Device) -> bool:
    part = memory.scaled(plan.work, batch)
    short = hours.step_seconds(plan, part, speed=device.speed, bandwidth=device.bandwidth) <= LONGEST
    need = memory.need(plan.config, plan.shape, part, processor=device.processor, pictures=batch)
    return short and need.peak <= ROOM * device.free


def _corrected(plan: Plan, tried: trial.Tried) -> Plan:
    """With the parameters that were really there, and as many texts as a batch really had."""
    model = replace(plan.shape, parameters=Parameters(tried.trained, tried.parameters))
    return replace(plan, shape=model, work=work(plan.config, model, texts_per_picture=tried.texts))


@dataclass(frozen=True)
class _Here:
    """The present device with this run: its pace, its memory, and the trial."""

    pace: Pace
    need: Need
    trial: Trial | None = None


def _here(plan: Plan, device: Device, tried: trial.Tried | None) -> _Here:
    """By arithmetic, and where there was a trial by what it gave and arithmetic for the difference to the whole run."""
    whole = hours.step_seconds(plan, plan.work, speed=device.speed, bandwidth=device.bandwidth)
    need = memory.need(plan.config, plan.shape, plan.work, processor=device.processor, pictures=plan.pictures)
    pace = Pace(whole, device.speed, os.cpu_count() or 1)
    if tried is None:
        return _Here(pace, need)
    part = memory.scaled(plan.work, tried.batch)
    told = hours.step_seconds(plan, part, speed=device.speed, bandwidth=device.bandwidth)
    held = memory.need(plan.config, plan.shape, part, processor=device.processor, pictures=tried.batch).peak
    factor, rest = tried.seconds / told, need.peak - held
    step = whole * factor
    busy = step * tried.processor / tried.seconds
    judged = Trial(tried.batch, tried.steps, step, busy, tried.peak, factor, tried.peak / held)
    pace = replace(pace, step=step, speed=device.speed / factor, decode=tried.prepare or hours.DECODE)
    pace = replace(pace, first=tried.first, saving=tried.saving)
    return _Here(pace, replace(need, peak=max(tried.peak, tried.peak + rest)), judged)


def _rows(plan: Plan, table: tuple[Gpu, ...], device: Device, here: _Here) -> tuple[Row, ...]:
    """The run on every GPU; what a trial on one of them showed of its speed holds for all."""
    precision = plan.config.memory.precision
    known = like(device.name, table) if here.trial and not device.processor else None
    share = here.pace.speed / known.speed(precision) if known else 1.0
    peak = memory.need(plan.config, plan.shape, plan.work, processor=False, pictures=plan.pictures).peak
    rows = []
    for gpu in table:
        speed = gpu.speed(precision) * share
        step = max(plan.work.step() / speed, hours.launches(plan.work))
        whole = sum(hours.seconds(plan, Pace(step, speed, CORES)).values()) / 3600
        fits = peak <= gpu.memory * GIB
        price = (whole * gpu.usd_per_hour, gpu.usd_per_hour, gpu.date, gpu.source)
        rows.append(Row(gpu.name, fits, whole, *price, peak))
    return tuple(rows)
