"""What one training step sees, and where it comes from: rows of pictures, texts, and the sparse truth between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from mirante.types import Picture


@dataclass(frozen=True, slots=True)
class Batch:
    """B pictures and T distinct texts; T need not equal B.

    Args:
        rows: (B,) positions of its pictures in `Batches.pictures`, each once.
        texts: T distinct texts.
        true: (P, 2) of every true (text, picture) cell of the T × B table, ordered by text.
        roles: (T,) of each text: `"full"` (says all there is to say), `"noun"` (names a kind only), `"side"` (two
            kinds and their relation), `"partial"`.
    """

    rows: NDArray[np.int64]
    texts: tuple[str, ...]
    true: NDArray[np.int64]
    roles: NDArray[np.str_]

    @property
    def positives(self) -> NDArray[np.bool_]:
        """The whole table, (T, B) bool: whether each text describes each picture. Large batches read `true`."""
        table = np.zeros((len(self.texts), len(self.rows)), dtype=np.bool_)
        table[self.true[:, 0], self.true[:, 1]] = True
        return table


class Batches(Interface):
    """An endless supply of training batches over a fixed list of pictures."""

    @property
    def pictures(self) -> Sequence[Picture]:
        """Every picture that a batch may point at."""

    def draw(self, step: int, size: int, *, seed: int) -> Batch:
        """The batch of `step`, of `size` pictures; a function of its arguments alone, so that a run can resume."""
