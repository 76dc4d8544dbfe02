"""Muon in fp32: momentum whose matrices are brought near orthogonal before each step.

Sources: Jordan et al. 2024 (kellerjordan.github.io/posts/muon) for the Newton-Schulz step and its coefficients; Liu
et al. 2025 (arXiv 2502.16982) for the factor that gives AdamW's rate of change. torch's own `Muon` computes in
bfloat16, which a processor without bf16 units does many times slower than fp32.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 5
_LIKE_ADAMW = 0.2


class Muon(torch.optim.Optimizer):
    """For matrices of hidden layers only; embeddings, norms and biases belong to AdamW.

    Args:
        matrices: 2-D parameters.
        lr: step size, of the order of AdamW's.
        weight_decay: decoupled.
        momentum: of the Nesterov average.
    """

    def __init__(
        self, matrices: Iterable[Tensor], *, lr: float, weight_decay: float = 0.0, momentum: float = 0.95
    ) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Move every matrix once; matrices of one shape are brought near orthogonal together."""
        del closure
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in by_shape.items():
                moved = torch.stack([self._momentum(matrix, group["momentum"]) for matrix in matrices])
                moved = near_orthogonal(moved) * (_LIKE_ADAMW * max(shape) ** 0.5)
                for matrix, change in zip(matrices, moved, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).sub_(change, alpha=group["lr"])

    def _momentum(self, matrix: Tensor, momentum: float) -> Tensor:
        gradient = matrix.grad if matrix.grad is not None else torch.zeros_like(matrix)
        average: Tensor = self.state[matrix].setdefault("average", torch.zeros_like(matrix))
        average.lerp_(gradient, 1 - momentum)
        moved: Tensor = gradient.lerp(average, momentum)
        return moved


def near_orthogonal(matrices: Tensor) -> Tensor:
    """Newton-Schulz: (n, r, c) → the same shape with singular values near 1."""
    wide = matrices.shape[-2] <= matrices.shape[-1]
    x = matrices if wide else matrices.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_STEPS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x if wide else x.mT
    return result
