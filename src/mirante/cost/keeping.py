"""An estimate kept beside the run that it is of, so that the run can be held against it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from mirante import config as configuration
from mirante.cost.answer import Estimate, Expected, Note
from mirante.disk import disk
from mirante.training import TrainConfig

NAME = "estimate.json"


def remember(config: TrainConfig, found: Estimate) -> Path:
    """Write `out/estimate.json`: the configuration and what was estimated for it.

    Raises:
        StoreError: the disk is full or refuses.
    """
    path = Path(config.out) / NAME
    part = path.with_suffix(".part")
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"config": _settings(config), "estimate": found.to_dict()}, indent=1), "utf-8")
        return part.replace(path)


def recall(config: TrainConfig) -> Expected | None:
    """What was estimated for these very settings and kept, None where there is nothing."""
    try:
        known = json.loads((Path(config.out) / NAME).read_text(encoding="utf-8"))
        if known["config"] != _settings(config):
            return None
        told = known["estimate"]
        hours, price = float(told["hours"]), config.usd_per_hour
        usd = hours * price if price else told["usd"]
        notes = tuple(Note(one["key"], one["values"]) for one in told["notes"])
        return Expected(hours, usd, int(told["memory"]["peak"]), notes)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _settings(config: TrainConfig) -> dict[str, Any]:
    """What decides the cost, as JSON gives it back."""
    plain = configuration.plain(
        replace(config, out="", usd_per_hour=0.0, budget=None, max_hours=None, tensorboard=False)
    )
    settings: dict[str, Any] = json.loads(json.dumps(plain))
    return settings
