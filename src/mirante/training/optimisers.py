"""Who steps which weights, and how fast: groups, decay, and the rate of each step."""

import math
from typing import Any

import torch
from torch import nn

from mirante.training.config import TrainConfig
from mirante.training.muon import Muon

_SCALE_RATE = 10.0
_BETAS = (0.9, 0.98)


class Stepper:
    """The optimisers of a run: AdamW, or Muon for the layers' matrices and AdamW for all else.

    Matrices decay; norms, biases and embeddings do not; the losses' scale and bias learn ten times as fast. Muon
    (Jordan et al. 2024) moves at AdamW's rate of change (Liu et al. 2025, arXiv 2502.16982).

    Args:
        config: rates, schedule and clip are read from it.
        module: its parameters that ask for a gradient are stepped.
        objective: so are its own.
        scaler: of fp16 gradients, None for none.
    """

    def __init__(self, config: TrainConfig, module: nn.Module, objective: nn.Module, scaler: Any = None) -> None:
        self._config, self._scaler = config, scaler
        self._losses = list(objective.parameters())
        self.weights = [value for value in module.parameters() if value.requires_grad]
        self.optimisers = _optimisers(config, module, self._losses)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["peak"] = group["lr"]

    def zero(self) -> None:
        """Forget the gradients."""
        for value in (*self.weights, *self._losses):
            value.grad = None

    def step(self, step: int) -> tuple[float, float]:
        """Clip and step, at the rate of `step` counted from 0 → (rate of learning, norm of the gradient).

        Where the gradient is not finite, nothing moves.
        """
        factor = rate(step, self._config)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * factor
            if self._scaler:
                self._scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(self.weights, self._config.clip).item()
        if self._scaler:
            for optimiser in self.optimisers:
                self._scaler.step(optimiser)
            self._scaler.update()
        elif math.isfinite(norm):
            for optimiser in self.optimisers:
                optimiser.step()
        return self._config.learning_rate * factor, norm


def _optimisers(config: TrainConfig, module: nn.Module, losses: list[nn.Parameter]) -> list[torch.optim.Optimizer]:
    named = [(name, value) for name, value in module.named_parameters() if value.requires_grad]
    named = [(name, value) for name, value in named if name not in ("logit_scale", "logit_bias")]
    layers = [value for name, value in named if value.ndim == 2 and "embedding" not in name]
    others = [value for name, value in named if value.ndim != 2 or "embedding" in name]
    rate, decay = config.learning_rate, config.weight_decay
    groups: list[dict[str, Any]] = [
        {"params": others, "weight_decay": 0.0},
        {"params": losses, "weight_decay": 0.0, "lr": rate * _SCALE_RATE},
    ]
    if config.optimiser == "muon":
        return [Muon(layers, lr=rate, weight_decay=decay), torch.optim.AdamW(groups, lr=rate, betas=_BETAS)]
    groups.append({"params": layers, "weight_decay": decay})
    return [torch.optim.AdamW(groups, lr=rate, betas=_BETAS)]


def rate(step: int, config: TrainConfig) -> float:
    """Linear warm-up, then the schedule; a factor of the peak."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return {"cosine": 0.5 * (1 + math.cos(math.pi * done)), "linear": 1 - done, "constant": 1.0}[config.schedule]
