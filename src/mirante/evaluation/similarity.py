"""How far apart the right and the wrong pairs lie, and the two modalities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirante.types import Vectors

BINS = 64


@dataclass(frozen=True)
class Similarity:
    """Cosines of the pairs that were compared.

    Args:
        positive: mean over relevant pairs, None when there is none among the candidates.
        negative: mean over all other pairs, None when there is none.
        modality_gap: Euclidean distance between the mean query vector and the mean document vector; between images
            and texts this is the gap of Liang et al. 2022, "Mind the Gap" (0 to 2).
        positive_counts: (64,) pairs in each bin of width 1/32 over [−1, 1].
        negative_counts: (64,) likewise.
    """

    positive: float | None
    negative: float | None
    modality_gap: float
    positive_counts: NDArray[np.int64]
    negative_counts: NDArray[np.int64]


def histogram(scores: Vectors) -> NDArray[np.int64]:
    """(64,) counts of cosines in bins of width 1/32 over [−1, 1]; rounding just outside falls in the outer bins.

    Bins are bytes, counted two at a time: each count of a pair goes to both of its bytes.
    """
    bins = np.floor(scores * np.float32(BINS // 2)).ravel()
    np.clip(bins, -BINS // 2, BINS // 2 - 1, out=bins)
    places = (bins.astype(np.int8) + np.int8(BINS // 2)).view(np.uint8)
    even = len(places) // 2 * 2
    pairs = np.bincount(places[:even].view(np.uint16), minlength=1 << 16).reshape(256, 256)
    alone = np.bincount(places[even:], minlength=256)
    return np.asarray((pairs.sum(axis=0) + pairs.sum(axis=1) + alone)[:BINS], np.int64)


def edges() -> list[float]:
    """The 65 edges of the bins."""
    return [2.0 * edge / BINS - 1.0 for edge in range(BINS + 1)]


def similarity(
    queries: Vectors, documents: Vectors, matched: Vectors, counts: NDArray[np.int64], total: float
) -> Similarity:
    """Sum up one comparison of `queries` (q, d) with `documents` (n, d).

    Args:
        queries: (q, d) unit rows.
        documents: (n, d) unit rows.
        matched: (p,) cosines of the relevant pairs.
        counts: (64,) histogram of all q·n pairs.
        total: sum of their cosines.
    """
    query, document = queries.mean(axis=0, dtype=np.float64), documents.mean(axis=0, dtype=np.float64)
    pairs = len(queries) * len(documents)
    right, wrong = float(matched.sum(dtype=np.float64)), pairs - len(matched)
    own = histogram(matched)
    return Similarity(
        positive=right / len(matched) if len(matched) else None,
        negative=(total - right) / wrong if wrong else None,
        modality_gap=float(np.linalg.norm(query - document)),
        positive_counts=own,
        negative_counts=counts - own,
    )
