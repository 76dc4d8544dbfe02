"""What a captioner wrote of the same pictures before and after its training, kept with its figures for the report."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirante import environment
from mirante.disk import disk
from mirante.shown import thumbnails
from mirante.training.config import TrainConfig
from mirante.training.data import Sets
from mirante.training.snapshot import Measured, Snapshot

if TYPE_CHECKING:
    from mirante.training import Training

NAME = "captions.json"
THUMBNAILS = "thumbnails"


def examples(before: Snapshot, after: Snapshot) -> list[dict[str, Any]]:
    """Pictures with the caption before (None where nothing was measured), the caption after, and the data's own."""
    return [one for side in ("target", "retain") for one in _pairs(getattr(before, side), getattr(after, side))]


def keep(done: "Training", config: TrainConfig, sets: Sets) -> None:
    """Write `captions.json` and small pictures into the folder of a captioner that was measured; else nothing.

    Raises:
        StoreError: the disk is full or refuses.
    """
    if not config.caption or not done.measured:
        return
    out, document = Path(config.out), done.to_dict()
    shown = {one["image"] for one in document["examples"]}
    pictures = [image for pairs in (sets.validation, sets.retain) if pairs for image in pairs.images]
    path = out / NAME
    part = path.with_suffix(".part")
    with disk(path):
        thumbnails((one for one in pictures if one.id in shown), out / THUMBNAILS)
        described = environment.describe() | {"seed": config.seed}
        plain = document | {"usd_per_hour": config.usd_per_hour, "environment": described}
        part.write_text(json.dumps(plain, default=asdict, indent=1, ensure_ascii=False), encoding="utf-8")
        part.replace(path)


def _pairs(old: Measured | None, new: Measured | None) -> Iterable[dict[str, Any]]:
    earlier = {one.image: one.caption for one in old.written} if old else {}
    for one in new.written if new else ():
        told = {"before": earlier.get(one.image), "after": one.caption}
        yield {"image": one.image, **told, "references": list(one.references)}
