"""What a model reaches at one moment, on what it learns and on what it must not forget."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from mirante.types import Estimate, Protocol


@dataclass(frozen=True)
class Written:
    """The caption that a model wrote, and what the data says of the same picture."""

    image: str
    caption: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """Metrics, text to image or of captions, and the conditions that they were measured under.

    `written` are some captions, where captions were written.
    """

    metrics: Mapping[str, Estimate]
    protocol: Protocol
    written: tuple[Written, ...] = ()


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
    written = (Written(one["image"], one["caption"], tuple(one["references"])) for one in plain.get("written", ()))
    return Measured(metrics, Protocol(**plain["protocol"]), tuple(written))
