"""What a run will need, before anything is spent: parameters, memory, disk, hours, money.

`estimate` is the way in: sizes from the configuration, a model of memory and time, a few real steps on the present
device to correct it, and a table of GPUs with prices.
"""

from collections.abc import Sequence

from mirante.cost.answer import DataSize, Estimate, Need, Note, Row, Trial
from mirante.cost.gpus import Gpu
from mirante.training import TrainConfig

__all__ = ["DataSize", "Estimate", "Gpu", "Need", "Note", "Row", "Trial", "estimate"]


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
        probe: try a few real steps on the present device, about 30 seconds; else the model alone answers.
        usd_per_hour: price of the present device; by default the configuration's.
        gpus: the table, by default the one of `gpus.load()`.

    Raises:
        UsageError: the model's shape is neither here nor known, or the configuration is wrong.
    """
    raise NotImplementedError(f"{config} {probe} {usd_per_hour} {gpus}")
