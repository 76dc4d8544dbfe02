"""How much disk a run needs: the data, its prepared pictures, the model, states and checkpoints."""

import shutil
from pathlib import Path

from mirante.cost.answer import Need
from mirante.cost.hours import Plan
from mirante.cost.memory import NUMBER, optimiser
from mirante.cost.sizes import HUB
from mirante.encoders import _locate

_COPIES = 2
"""Of a data set of the hub, which is kept as it was fetched and as the library reads it; of a state or checkpoint while
it takes the place of the one before."""


def need(plan: Plan) -> Need:
    """Bytes of everything that a run leaves or fetches, and of what it needs at most on the way."""
    config, shape = plan.config, plan.shape
    trained, whole = shape.parameters.trained, shape.parameters.all
    fetched = plan.sizes.learnt.download or 0
    copies = _COPIES if config.data.address.startswith(HUB) else 1
    apart = config.elip or (config.trained.lora and not config.trained.lora.merge)
    checkpoint = NUMBER * (trained if apart else whole)
    state = NUMBER * trained + optimiser(config, shape)
    parts = {
        "data": copies * fetched,
        "model": NUMBER * whole if _absent(config.model.start) else 0,
        "pixels": 3 * shape.pixels**2 * plan.pictures,
        "states": state,
        "checkpoint": checkpoint,
    }
    return Need(parts, sum(parts.values()) + max(state, checkpoint))


def free(folder: Path) -> int:
    """Bytes that are free where `folder` is or would be."""
    there = next(one for one in (folder.resolve(), *folder.resolve().parents) if one.exists())
    return shutil.disk_usage(there).free


def _absent(start: str | None) -> bool:
    """Whether the weights must be fetched."""
    return start is not None and not _locate.is_checkpoint(start) and start not in _locate.embedded()
