"""The truth between texts and pictures of a batch, sparse: a loss asks for the rows that it works on."""

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor


@dataclass(frozen=True)
class Positives:
    """A (T, B) table of bools of which only the P true cells are held; slices of it are dense tensors.

    Args:
        cells: (P, 2) int64, (text, image) of each true cell.
        shape: T and B.
    """

    cells: Tensor
    shape: tuple[int, int]

    def __getitem__(self, rows: slice) -> Tensor:
        """The rows of that slice, (n, B) bool."""
        start, stop, _ = rows.indices(self.shape[0])
        mine = self.cells[(self.cells[:, 0] >= start) & (self.cells[:, 0] < stop)]
        table = torch.zeros((max(0, stop - start), self.shape[1]), dtype=torch.bool, device=self.cells.device)
        table[mine[:, 0] - start, mine[:, 1]] = True
        return table

    @property
    def T(self) -> "Positives":  # noqa: N802 - as tensors call it
        """The (B, T) table of the same truth."""
        return Positives(self.cells.flip(1), (self.shape[1], self.shape[0]))

    def texts(self, chosen: Tensor) -> "Positives":
        """The table of the texts that `chosen` (T,) bool marks, in their order."""
        place = chosen.cumsum(0) - 1
        kept = self.cells[chosen[self.cells[:, 0]]]
        cells = torch.stack([place[kept[:, 0]], kept[:, 1]], dim=1)
        return Positives(cells, (int(chosen.sum()), self.shape[1]))


Truth: TypeAlias = Tensor | Positives
"""What a loss is told: a (T, B) bool tensor, or the sparse form of one."""
