"""Which queries are drawn together: the captions of one image are one cluster, not five observations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.errors import UsageError

Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Clusters:
    """A partition of q queries into c clusters.

    Args:
        own: (q,) the cluster of each query, 0 to c − 1.
        sizes: (c,) queries in each cluster, at least 1.
    """

    own: NDArray[np.int64]
    sizes: Values

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """Queries of one name form one cluster; clusters are numbered as they appear.

        Raises:
            UsageError: there are no names.
        """
        if not len(names):
            raise UsageError("0 queries have no clusters: give the cluster of at least one query.")
        number: dict[str, int] = {}
        own = np.array([number.setdefault(name, len(number)) for name in names], np.int64)
        return cls(own, np.bincount(own).astype(np.float64))

    def __len__(self) -> int:
        return len(self.sizes)

    def sums(self, values: Values) -> Values:
        """(c,) sum of (q,) values within each cluster."""
        return np.bincount(self.own, weights=values, minlength=len(self)).astype(np.float64)

    def standard_error(self, values: Values) -> float:
        """Of the mean of (q,) values, as a ratio of cluster sums to cluster sizes (linearised); 0 for one cluster.

        `sqrt(c / (c − 1) · Σ (s_i − m·n_i)²) / q`, with the sums s, the sizes n and the mean m. Source: Cochran 1977,
        section 6.3 (ratio estimator), the same as a cluster-robust variance with an intercept alone.
        """
        c, q = len(self), len(self.own)
        if c == 1:
            return 0.0
        residuals = self.sums(values) - float(np.mean(values)) * self.sizes
        return float(np.sqrt(c / (c - 1) * (residuals**2).sum())) / q
