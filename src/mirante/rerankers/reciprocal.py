"""k-reciprocal re-ranking: candidates that have the same neighbours as the best ones come closer to them.

Source: Zhong et al. 2017 (arXiv 1701.08398), in the form for a text query: the query's neighbours are the best
candidates, and only the candidates themselves are neighbours of each other, so nothing beyond the run is read.
"""

from dataclasses import dataclass

import numpy as np

from mirante.errors import UsageError
from mirante.rerankers import Candidates
from mirante.types import Encoder, Vectors


@dataclass(frozen=True)
class Reciprocal:
    """Base score and overlap of neighbourhoods, weighted.

    Args:
        neighbours: size of a neighbourhood.
        weight: of the overlap, from 0 (the base alone) to 1.
    """

    neighbours: int = 10
    weight: float = 0.3

    @property
    def name(self) -> str:
        """`reciprocal`."""
        return "reciprocal"

    def score(self, candidates: Candidates) -> Vectors:
        """(k,): (1 − weight) · base + weight · the share of neighbours that a candidate has in common with the query's.

        Both parts lie in [0, 1]: the base's scores are spread over it.
        """
        alike = candidates.rows @ candidates.rows.T
        size = min(self.neighbours, len(alike))
        near = np.argsort(-alike, axis=1, kind="stable")[:, :size]
        member = np.zeros(alike.shape, bool)
        np.put_along_axis(member, near, values=True, axis=1)
        mutual = member & member.T
        best = np.zeros(len(alike), bool)
        best[:size] = True  # the run's first ones are the query's neighbours
        common = (mutual & best).sum(axis=1)
        overlap = common / np.maximum((mutual | best).sum(axis=1), 1)
        spread = np.ptp(candidates.scores) or 1.0
        base = (candidates.scores - candidates.scores.min()) / spread
        mixed: Vectors = ((1 - self.weight) * base + self.weight * overlap).astype(np.float32)
        return mixed


def open(address: str, base: Encoder) -> Reciprocal:
    """`reciprocal`, or `reciprocal:WEIGHT`.

    Raises:
        UsageError: the weight is no number from 0 to 1.
    """
    del base
    return Reciprocal(weight=_share(address)) if address else Reciprocal()


def _share(address: str) -> float:
    try:
        weight = float(address)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise UsageError(f"The weight of 'reciprocal' is a number from 0 to 1, not {address!r}: e.g. reciprocal:0.3.")
    return weight
