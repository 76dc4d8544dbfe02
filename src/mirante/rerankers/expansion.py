"""Query expansion: the text's row moves towards the best candidates, weighted by how good they are.

Source: Radenović et al. 2018 (alpha query expansion, arXiv 1711.02512); here the candidates alone are ranked again.
"""

from dataclasses import dataclass

import numpy as np

from mirante.errors import UsageError
from mirante.rerankers import Candidates
from mirante.types import Encoder, Vectors


@dataclass(frozen=True)
class Expansion:
    """The cosine to text and best pictures together.

    Args:
        pictures: how many of the best join the query.
        alpha: power of the score that weighs each.
        share: of the pictures in the new query, against the text's; pictures lie nearer to pictures than texts do.
    """

    pictures: int = 3
    alpha: float = 3.0
    share: float = 0.3

    @property
    def name(self) -> str:
        """`expansion`."""
        return "expansion"

    def score(self, candidates: Candidates) -> Vectors:
        """(k,) cosines to the new query."""
        best = np.maximum(candidates.scores[: self.pictures], 0.0) ** self.alpha
        joined = best @ candidates.rows[: self.pictures]
        joined /= np.linalg.norm(joined) or 1.0
        query = (1 - self.share) * candidates.query + self.share * joined
        query /= np.linalg.norm(query) or 1.0
        return (candidates.rows @ query).astype(np.float32)


def open(address: str, base: Encoder) -> Expansion:
    """`expansion`, or `expansion:PICTURES`.

    Raises:
        UsageError: the number of pictures is not a whole number from 1.
    """
    del base
    if not address:
        return Expansion()
    if not address.isdecimal() or int(address) < 1:
        raise UsageError(f"'expansion' takes a number of pictures from 1, not {address!r}: e.g. expansion:3.")
    return Expansion(pictures=int(address))
