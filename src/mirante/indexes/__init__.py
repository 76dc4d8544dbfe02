"""Nearest rows by inner product: one file here is one family of indexes, `exact` is the oracle of all.

A *kind* names a component and, after a dash, one of its variants: `exact`, `faiss-hnsw`, `faiss-ivf-pq`. A component
module provides `VARIANTS` (names, `""` for the only one), `create(dim, variant)` and `open(folder, variant)`.

Every kind keeps one promise: `search` finds `min(k, rows allowed)` rows, each with its true score, ordered by
`mirante.types.TIE_RULE`. Kinds differ only in which rows an approximate one may overlook; `build_index` measures how
many, and tunes an index to a recall. Any component's index takes part in that where it is `Tunable`.
"""

from mirante.indexes._building import AUTO, Attempt, Built, Choice, build_index
from mirante.indexes._kinds import Index, create_index, kinds, open_index
from mirante.indexes._tuning import Effort, Tunable, Tuned

__all__ = [
    "AUTO",
    "Attempt",
    "Built",
    "Choice",
    "Effort",
    "Index",
    "Tunable",
    "Tuned",
    "build_index",
    "create_index",
    "kinds",
    "open_index",
]
