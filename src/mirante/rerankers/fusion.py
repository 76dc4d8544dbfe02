"""Fusion of the run that comes in with a re-ranker's own order, so that neither alone decides.

`fusion:KIND[:ADDRESS]` fuses both orders by reciprocal rank; `fusion:WEIGHT@KIND[:ADDRESS]` adds both scores, each
spread over [0, 1], the re-ranker's with that weight. Sources: see `reciprocal_rank` and `weighted`, which fuse whole
runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mirante.errors import ModelError, UsageError
from mirante.rerankers import Candidates, Reranker, chain
from mirante.rerankers._fusion import K, reciprocal_rank, weighted
from mirante.types import Encoder, Run, Vectors

__all__ = ["Fusion", "K", "open", "reciprocal_rank", "weighted"]


@dataclass(frozen=True)
class Fusion:
    """The candidates as they came and as another re-ranker orders them, fused.

    Args:
        reranker: gives the other order.
        weight: of its scores, from 0 (the run that came in) to 1 (the re-ranker alone); None fuses by rank.
    """

    reranker: Reranker
    weight: float | None = None

    @property
    def name(self) -> str:
        """`fusion:` and the re-ranker's name."""
        share = "" if self.weight is None else f"{self.weight:g}@"
        return f"fusion:{share}{self.reranker.name}"

    def score(self, candidates: Candidates) -> Vectors:
        """(k,): what `reciprocal_rank` or `weighted` gives each candidate.

        Raises:
            ModelError: a score of the re-ranker is not finite.
        """
        ids = [one.id for one in candidates.pictures]
        found = self.reranker.score(candidates).astype(np.float32)
        if found.shape != (len(ids),) or not np.isfinite(found).all():
            raise ModelError(
                f"The re-ranker {self.reranker.name!r} gave the {len(ids)} candidates of {candidates.text!r} no finite "
                f"scores, one each: {found.tolist()[:5]}."
            )
        order = sorted(range(len(ids)), key=lambda at: (found[at], ids[at]), reverse=True)
        runs = _run(ids, range(len(ids)), candidates.scores), _run(ids, order, found)
        fused = reciprocal_rank(runs) if self.weight is None else weighted(runs, (1 - self.weight, self.weight))
        scores = dict(fused.ranking(""))
        return np.array([scores[one] for one in ids], np.float32)


def open(address: str, base: Encoder) -> Fusion:
    """`fusion:KIND[:ADDRESS]` or `fusion:WEIGHT@KIND[:ADDRESS]`.

    Raises:
        UsageError: no re-ranker is named, or the weight is no number from 0 to 1.
        UnknownName: no such kind.
    """
    head = address.partition(":")[0]
    share, at, _ = head.partition("@")
    rest = address[len(share) + 1 :] if at else address
    if not rest:
        raise UsageError("'fusion' needs a re-ranker: e.g. fusion:expansion or fusion:0.3@expansion.")
    return Fusion(chain([rest], base)[0], _weight(share) if at else None)


def _weight(share: str) -> float:
    try:
        weight = float(share)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise UsageError(
            f"The weight of 'fusion' is a number from 0 to 1, not {share!r}: e.g. fusion:0.3@expansion gives the "
            "re-ranker 0.3 and the run 0.7."
        )
    return weight


def _run(ids: Sequence[str], order: Sequence[int], scores: Vectors) -> Run:
    """A run of one query, whose id is empty."""
    best = np.array([order], np.int32)
    return Run(("",), tuple(ids), best, scores[best])
