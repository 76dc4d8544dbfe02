"""What a model reaches at one moment, on what it learns and on what it must not forget."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from mirante.types import Estimate, Protocol


@dataclass(frozen=True)
class Measured:
    """Text-to-image metrics and the conditions that they were measured under."""

    metrics: Mapping[str, Estimate]
    protocol: Protocol


@dataclass(frozen=True)
class Snapshot:
    """Both sides of a fine-tune; None where nothing was to be measured."""

    target: Measured | None = None
    retain: Measured | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_dict` gave."""
        return cls(*(_measured(plain[side]) for side in ("target", "retain")))


def _measured(plain: Mapping[str, Any] | None) -> Measured | None:
    if plain is None:
        return None
    metrics = {name: Estimate(**one) for name, one in plain["metrics"].items()}
    return Measured(metrics, Protocol(**plain["protocol"]))
