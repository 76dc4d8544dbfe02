"""One run of a learning curve as it is kept: what each query of the held-out and of the retained data found."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirante import config
from mirante.advice.families import METRIC
from mirante.errors import MiranteError, StoreError
from mirante.evaluation import PerQuery
from mirante.evaluation.files import write
from mirante.types import Protocol

SCHEMA = 1
NAME = "measured.json"


@dataclass(frozen=True)
class Trial:
    """One run.

    Args:
        share: of the pictures, 0 for the model as it is.
        pictures: that were learnt from.
        seconds: of training.
        target: R@1 query by query on the held-out data.
        retain: the same on the data that must not be forgotten, None where there is none.
    """

    share: float
    pictures: int
    seconds: float
    target: PerQuery
    retain: PerQuery | None


def keep(folder: Path, trial: Trial) -> Trial:
    """Write a trial into `folder`, whole or not at all."""
    sides = {name: _plain(getattr(trial, name)) for name in ("target", "retain")}
    facts = {"share": trial.share, "pictures": trial.pictures, "seconds": trial.seconds}
    write(folder / NAME, (json.dumps({"schema": SCHEMA, **facts, **sides}, ensure_ascii=False), "\n"))
    return trial


def finished(folder: Path) -> Trial | None:
    """The trial in `folder`, None where it was not finished.

    Raises:
        StoreError: its file is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        plain: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        target, retain = (_per_query(plain[side], str(path)) for side in ("target", "retain"))
        if plain["schema"] == SCHEMA and target is not None:
            return Trial(float(plain["share"]), int(plain["pictures"]), float(plain["seconds"]), target, retain)
        raise StoreError(f"{str(path)!r} has schema {plain['schema']!r}, not {SCHEMA}: delete it, and measure again.")
    except StoreError:
        raise
    except (OSError, ValueError, KeyError, TypeError, MiranteError) as error:
        raise StoreError(f"{str(path)!r} is damaged ({error!r}): delete it, and the run is measured again.") from error


def _plain(one: PerQuery | None) -> dict[str, Any] | None:
    if one is None:
        return None
    hits = one.values[METRIC].tolist()
    return {"model": one.model, "protocol": asdict(one.protocol), "queries": one.queries, "clusters": one.clusters,
            "hits": hits}  # fmt: skip


def _per_query(plain: Mapping[str, Any] | None, where: str) -> PerQuery | None:
    if plain is None:
        return None
    protocol = config.build(Protocol, plain["protocol"], where)
    hits = np.array(plain["hits"], np.float64)
    return PerQuery(plain["model"], protocol, tuple(plain["queries"]), tuple(plain["clusters"]), {METRIC: hits})
