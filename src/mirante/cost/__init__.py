"""What a run will need, before anything is spent: parameters, memory, disk, hours, money.

`estimate` is the way in, from top to bottom: the shape of the model and the size of the data, from the configuration
alone; arithmetic for memory and time; a few real steps on the present device that correct it; a table of GPUs.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import replace

from mirante.cost import disk, hours, memory, notes, trial
from mirante.cost.answer import DataSize, Estimate, Expected, Need, Note, Row, Trial
from mirante.cost.devices import Device, present
from mirante.cost.gpus import GIB, Gpu, like, load, named
from mirante.cost.hours import Plan
from mirante.cost.keeping import recall, remember
from mirante.cost.shapes import shape
from mirante.cost.sizes import sizes, texts_per_picture
from mirante.cost.work import Work, work
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
    tried = _try(plan, device) if probe and plan.shape.learns else None
    if tried:
        plan = _corrected(plan, tried[1])
    step, need, factor = _step(plan, device), _memory(plan, plan.work, processor=device.processor), 1.0
    decode, result = hours.DECODE, None
    if tried:
        result = _judged(plan, device, *tried)
        step, factor = result.seconds, result.time_factor
        need = replace(
            need, peak=max(0, need.peak + result.peak - _memory(plan, tried[0], processor=device.processor).peak)
        )
        decode = tried[1].prepare or decode
    taken = hours.seconds(plan, step, speed=device.speed / factor, cores=os.cpu_count() or 1, decode=decode)
    whole = sum(taken.values()) / 3600
    table = tuple(gpus if gpus is not None else load())
    room = disk.need(plan)
    return Estimate(
        parameters=plan.shape.parameters,
        data=plan.sizes.learnt,
        steps=plan.steps,
        flops=plan.steps * plan.work.step() + plan.work.locked(plan.pictures),
        device=device.name,
        memory=need,
        disk=room,
        hours=whole,
        seconds=taken,
        step_seconds=step,
        usd=whole * price if price else None,
        rows=_rows(plan, table, device, factor),
        trial=result,
        notes=notes.of(plan, device, need, room, tried=tried, table=table),
    )


def predict(config: TrainConfig) -> Expected | None:
    """What to hold a run against: the estimate kept for it, else one by arithmetic, None where none can be made."""
    try:
        return recall(config) or estimate(config, probe=False).expected()
    except MiranteError:
        return None


def _plan(config: TrainConfig) -> Plan:
    found, model = sizes(config.data), shape(config)
    pictures = found.learnt.pictures
    if config.epochs and pictures is None:
        raise UsageError(
            f"Nothing says how many pictures {config.data.address!r} has, so its epochs cannot be told in steps: give "
            "steps instead, or data.limit."
        )
    steps = math.ceil(config.epochs * (pictures or 0) / config.batch) if config.epochs else config.steps
    steps = min(steps, config.stop_after or steps)
    return Plan(config, model, work(config, model, texts_per_picture=texts_per_picture(config.data)), found, steps)


def _try(plan: Plan, device: Device) -> tuple[Work, trial.Tried]:
    """A trial of the configuration's batch, or of the part of it that the time and the memory allow."""
    batch = plan.config.batch
    while batch > 2 and not _allowed(plan, memory.scaled(plan.work, batch), device):
        batch = max(2, batch // 2)
    tried = trial.run(plan.config, batch)
    return memory.scaled(plan.work, batch), tried


def _allowed(plan: Plan, part: Work, device: Device) -> bool:
    short = hours.step_seconds(plan, part, speed=device.speed, bandwidth=device.bandwidth) <= LONGEST
    return short and _memory(plan, part, processor=device.processor).peak <= ROOM * device.free


def _corrected(plan: Plan, tried: trial.Tried) -> Plan:
    """With the parameters that were really there, and as many texts as a batch really had."""
    model = replace(plan.shape, parameters=Parameters(tried.trained, tried.parameters))
    return replace(plan, shape=model, work=work(plan.config, model, texts_per_picture=tried.texts))


def _judged(plan: Plan, device: Device, part: Work, tried: trial.Tried) -> Trial:
    """The trial beside what arithmetic says of the same batch."""
    part = memory.scaled(plan.work, part.batch)
    told = hours.step_seconds(plan, part, speed=device.speed, bandwidth=device.bandwidth)
    factor = tried.seconds / told
    held = _memory(plan, part, processor=device.processor).peak
    step = _step(plan, device) * factor
    busy = step * tried.processor / tried.seconds
    return Trial(part.batch, tried.steps, step, busy, tried.peak, factor, tried.peak / held)


def _step(plan: Plan, device: Device) -> float:
    return hours.step_seconds(plan, plan.work, speed=device.speed, bandwidth=device.bandwidth)


def _memory(plan: Plan, part: Work, *, processor: bool) -> Need:
    return memory.need(plan.config, plan.shape, part, processor=processor, pictures=plan.pictures)


def _rows(plan: Plan, table: Sequence[Gpu], device: Device, factor: float) -> tuple[Row, ...]:
    """The run on every GPU; what a trial on one of them showed of its speed holds for all."""
    precision = plan.config.memory.precision
    known = None if device.processor else like(device.name, tuple(table))
    share = device.speed / factor / known.speed(precision) if known and factor != 1.0 else 1.0
    peak = _memory(plan, plan.work, processor=False).peak
    rows = []
    for gpu in table:
        speed = gpu.speed(precision) * share
        step = max(plan.work.step() / speed, hours.launches(plan.work))
        whole = sum(hours.seconds(plan, step, speed=speed, cores=CORES).values()) / 3600
        fits = peak <= gpu.memory * GIB
        rows.append(Row(gpu.name, fits, whole, whole * gpu.usd_per_hour, gpu.usd_per_hour, gpu.date, gpu.source))
    return tuple(rows)
