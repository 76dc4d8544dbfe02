"""k nearest neighbours on rows: each of the k most similar pictures votes for its label with exp(cosine / 0.07).

Source: weighted k-NN of Wu et al. 2018 (arXiv 1805.01978, §3.4), temperature included.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirante.types import Vectors

SETTINGS = (50, 20, 10, 5, 3, 1)
"""Numbers of neighbours to choose from, the smoothest first."""
_TEMPERATURE = 0.07
_BLOCK = 1024


@dataclass(frozen=True)
class Neighbours:
    """Labelled rows: (n, d) unit rows, (n,) classes from 0, the number of classes, the number of voters."""

    rows: Vectors
    targets: NDArray[np.int64]
    classes: int
    k: int

    def probabilities(self, rows: Vectors) -> NDArray[np.float64]:
        """(m, d) unit rows → (m, c) shares of the votes."""
        parts = [self._votes(rows[at : at + _BLOCK]) for at in range(0, len(rows), _BLOCK)]
        votes = np.concatenate(parts)
        return np.asarray(votes / votes.sum(axis=1, keepdims=True), np.float64)

    def _votes(self, rows: Vectors) -> NDArray[np.float64]:
        cosines = rows @ self.rows.T
        k = min(self.k, len(self.rows))
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        closeness = np.take_along_axis(cosines, nearest, axis=1).astype(np.float64)
        weights = np.exp((closeness - closeness.max(axis=1, keepdims=True)) / _TEMPERATURE)
        votes = np.zeros((len(rows), self.classes))
        np.add.at(votes, (np.arange(len(rows))[:, None], self.targets[nearest]), weights)
        return votes


def fit(rows: Vectors, targets: NDArray[np.int64], classes: int, k: float) -> Neighbours:
    """Keep (n, d) rows and their (n,) classes, from 0, to vote among."""
    return Neighbours(rows, targets, classes, int(k))
