"""Something that advice says: a message and the figures in it, so that one document reads in two languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mirante.types import Estimate


@dataclass(frozen=True)
class Note:
    """One sentence.

    Args:
        key: of its message, in full, such as `"advise.deploy"`.
        values: what its placeholders are filled with, plain JSON values; their names say how they are written.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


def spread(estimate: Estimate) -> dict[str, float]:
    """A value with its interval, as notes have them."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
