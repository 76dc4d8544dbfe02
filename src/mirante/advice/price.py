"""What the recommended run takes: hours and money on the present device, and on the cheapest GPU that holds it."""

from dataclasses import dataclass, replace

from mirante import cost
from mirante.advice.recipe import at_share
from mirante.errors import MiranteError
from mirante.training import TrainConfig


@dataclass(frozen=True)
class Elsewhere:
    """A GPU of the table: its name, hours and dollars of the run there, and the date of its price."""

    gpu: str
    hours: float
    usd: float
    priced: str


@dataclass(frozen=True)
class Price:
    """Before anything is spent.

    Args:
        device: the present one.
        hours: there.
        usd: for these hours, None where the configuration names no price per hour.
        peak: bytes of memory at most.
        disk: bytes in the end.
        steps: of the optimiser.
        tried: whether a few real steps were timed here; else time is a guess by a model of the hardware.
        elsewhere: the cheapest GPU of the table that holds the run, None where none does.
    """

    device: str
    hours: float
    usd: float | None
    peak: int
    disk: int
    steps: int
    tried: bool
    elsewhere: Elsewhere | None

    def times(self, factor: float) -> "Price":
        """The price of so many times the run."""
        away = self.elsewhere and replace(
            self.elsewhere, hours=factor * self.elsewhere.hours, usd=factor * self.elsewhere.usd
        )
        usd = None if self.usd is None else factor * self.usd
        return replace(self, hours=factor * self.hours, usd=usd, steps=round(factor * self.steps), elsewhere=away)


def price(config: TrainConfig, *, probe: bool) -> Price | None:
    """The price of a run; None where the model's shape cannot be known here.

    Args:
        config: the run.
        probe: time a few real steps.
    """
    try:
        found = cost.estimate(config, probe=probe)
    except MiranteError:
        return None
    fitting = sorted((row for row in found.rows if row.fits), key=lambda row: row.usd)
    cheapest = Elsewhere(fitting[0].name, fitting[0].hours, fitting[0].usd, fitting[0].priced) if fitting else None
    return Price(
        found.device,
        found.hours,
        found.usd,
        found.memory.peak,
        found.disk.peak,
        found.steps,
        found.trial is not None,
        cheapest,
    )


def part_of(config: TrainConfig, shares: tuple[float, ...], pictures: int) -> float:
    """How much of a run on all pictures the runs on `shares` of them are, by the pairs that they see."""
    whole = config.epochs * pictures
    seen = (at_share(config, share, pictures=max(1, round(share * pictures))) for share in shares)
    parts = (one.epochs * share * pictures for one, share in zip(seen, shares, strict=True))
    return sum(parts) / whole if whole else 0.0
