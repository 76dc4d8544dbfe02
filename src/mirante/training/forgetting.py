"""What a run cost on the data that must not be forgotten."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mirante.training.snapshot import Snapshot
from mirante.types import Estimate

METRIC = "hit_rate@1"

Verdict: TypeAlias = Literal["kept", "unclear", "forgot"]


@dataclass(frozen=True)
class Forgetting:
    """`hit_rate@1` of the retained data before and after."""

    before: Estimate
    after: Estimate

    @property
    def change(self) -> float:
        """In points: negative where something was lost."""
        return 100 * (self.after.value - self.before.value)

    @property
    def verdict(self) -> Verdict:
        """`forgot` where the value fell and the intervals do not meet, `unclear` where it fell and they do."""
        if self.after.value >= self.before.value:
            return "kept"
        return "forgot" if self.after.high < self.before.low else "unclear"


def forgetting(before: Snapshot, after: Snapshot) -> Forgetting | None:
    """The two measurements side by side, None where one of them was not made."""
    if not before.retain or not after.retain or METRIC not in after.retain.metrics:
        return None
    return Forgetting(before.retain.metrics[METRIC], after.retain.metrics[METRIC])
