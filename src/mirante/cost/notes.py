"""What the reader of an estimate must know beside its numbers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mirante.cost import disk
from mirante.cost.answer import Need, Note, Trial
from mirante.cost.devices import Device
from mirante.cost.gpus import Gpu
from mirante.cost.hours import Plan
from mirante.cost.sizes import HUB
from mirante.encoders import _locate

LARGE = 50_000_000_000
"""Bytes of a download that are said before anything else."""


def of(
    plan: Plan,
    device: Device,
    need: Need,
    room: Need,
    *,
    trial: Trial | None,
    table: Sequence[Gpu],
) -> tuple[Note, ...]:
    """All notes, the most urgent first."""
    return (
        *_data(plan),
        *_room(plan, device, need, room),
        *_model(plan, trial),
        *_gpus(plan, device, table),
    )


def _data(plan: Plan) -> Iterator[Note]:
    learnt, address = plan.sizes.learnt, plan.config.data.address
    if (learnt.download or 0) >= LARGE:
        yield Note("large_download", {"data": address, "bytes": learnt.download})
    elif learnt.download:
        yield Note("download", {"data": address, "bytes": learnt.download})
    if learnt.origin != "read":
        yield Note(f"data_{learnt.origin}", {"data": address})
    if plan.config.data.retain and not plan.sizes.measured[0] and plan.config.data.retain.startswith(HUB):
        yield Note("measured_unknown", {"data": plan.config.data.retain})


def _room(plan: Plan, device: Device, need: Need, room: Need) -> Iterator[Note]:
    held = need.peak - need.parts.get(
        "pixels", 0
    )  # pictures are mapped from the disk, and given back where it is short
    if held > device.free:
        yield Note("memory_short", {"peak": held, "free": device.free, "device": device.name})
    free = disk.free(Path(plan.config.out))
    if room.peak > free:
        yield Note("disk_short", {"peak": room.peak, "free": free})


def _model(plan: Plan, trial: Trial | None) -> Iterator[Note]:
    start = plan.config.model.start
    if not plan.shape.learns:
        yield Note("not_trainable", {"model": start})
    if start and not _locate.is_checkpoint(start) and start not in _locate.embedded():
        yield Note("weights_absent", {"model": start})
    caption = plan.config.caption
    new = plan.config.model.new or (caption.decoder if caption else None)
    if new is not None and trial is None:
        yield Note("vocabulary", {"tokens": new.vocabulary})
    if trial is None:
        yield Note("not_tried")
    elif trial.batch < plan.config.batch:
        yield Note("part_tried", {"tried": trial.batch, "batch": plan.config.batch})


def _gpus(plan: Plan, device: Device, table: Sequence[Gpu]) -> Iterator[Note]:
    if device.processor:
        yield Note("gpus_assumed")
    without = [gpu.name for gpu in table if not gpu.bf16]
    if plan.config.memory.precision == "bf16" and without:
        yield Note("no_bf16", {"names": ", ".join(without)})
