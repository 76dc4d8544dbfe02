"""One integer per candidate that sorts exactly as the tie rule says.

A key holds the float32 score in its high 32 bits and the place of the id in its low 32 bits, so keys of distinct
documents are distinct, and a greater key is a better rank: score descending as float32, then id descending.
That is what trec_eval does (`comp_sim_docno`: C floats, then `strcmp` of the UTF-8 bytes, later id first); Python
orders strings by code point, which is the order of their UTF-8 bytes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mirante.types import Vectors

PADDING = np.iinfo(np.int64).min


def tie_order(ids: Sequence[str]) -> NDArray[np.int64]:
    """The place of each of n ids among them in ascending order, (n,); the greater place wins a tie."""
    places = np.empty(len(ids), np.int64)
    places[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    return places


def keys(scores: Vectors, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keys of float32 `scores` (any shape, no NaN) for documents at `places` (same shape, or one row of it)."""
    bits = (scores + np.float32(0)).view(np.int32)  # −0.0 becomes 0.0, which C holds equal
    bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)
    found = bits.astype(np.int64)
    found <<= 32
    found |= places
    return found


def places_of(found: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place that each key was made with."""
    return found & 0xFFFFFFFF
