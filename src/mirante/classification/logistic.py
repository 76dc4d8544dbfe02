"""Linear probe: multinomial logistic regression on rows, with an L2 penalty on its weights.

Minimises mean cross-entropy + strength/2 · ‖W‖² (the bias is free), a convex problem, by L-BFGS. Source: linear
probes as CLIP reports them (Radford et al. 2021, arXiv 2103.00020, §3.2 and appendix A.3).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirante.types import Vectors

SETTINGS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Strengths of the penalty to choose from, the simplest model first."""
_ITERATIONS = 500


@dataclass(frozen=True)
class Logistic:
    """A linear probe: weights (c, d) and bias (c,), float64."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, rows: Vectors) -> NDArray[np.float64]:
        """(n, d) rows → (n, c) probabilities."""
        logits = rows @ self.weights.T + self.bias
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True), np.float64)


def fit(rows: Vectors, targets: NDArray[np.int64], classes: int, strength: float) -> Logistic:
    """Fit a linear probe.

    Args:
        rows: (n, d) rows.
        targets: (n,) classes, from 0.
        classes: number c of classes; one without a row gets a low probability.
        strength: of the penalty.
    """
    import torch

    given = torch.tensor(np.asarray(rows, np.float64))
    wanted = torch.from_numpy(targets)
    weights = torch.zeros(classes, rows.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weights, bias], max_iter=_ITERATIONS, tolerance_grad=1e-7, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = torch.nn.functional.cross_entropy(given @ weights.T + bias, wanted)
        value = value + strength / 2 * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    solver.step(loss)  # type: ignore[no-untyped-call]
    return Logistic(weights.detach().numpy(), bias.detach().numpy())
