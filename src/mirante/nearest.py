"""The similarity of rows that hold several vectors, of which the nearest pair decides; plain rows hold one.

Source: Li et al. 2023 (BLIP-2, arXiv 2301.12597), whose learned queries each give a vector of a picture.
"""

import numpy as np

from mirante.types import Vectors


def similarity(queries: Vectors, documents: Vectors, parts: int = 1) -> Vectors:
    """Similarities (q, n) of rows (q, d) and (n, d): products, or of `parts` vectors the greatest cosine.

    A row of several is `parts` unit vectors side by side, scaled to length 1 together; vector i of one row meets vector
    i of the other.

    Example:
        >>> row = np.array([[0.6, 0.8, 1, 0]], np.float32) / np.sqrt(np.float32(2))
        >>> text = np.array([[0, 1, 0, 1]], np.float32) / np.sqrt(np.float32(2))
        >>> round(float(similarity(text, row, 2)[0, 0]), 6), round(float(similarity(text, row)[0, 0]), 6)
        (0.8, 0.4)
    """
    if parts == 1:
        return queries @ documents.T
    found = np.full((len(queries), len(documents)), -np.inf, np.float32)
    for one, other in zip(np.split(queries, parts, axis=1), np.split(documents, parts, axis=1), strict=True):
        np.maximum(found, one @ other.T, out=found)
    return found * np.float32(parts)
