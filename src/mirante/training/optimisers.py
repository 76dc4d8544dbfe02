"""Who steps which weights, and how fast: groups, decay, and the rate of each step."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mirante.training import towers
from mirante.training.config import TrainConfig
from mirante.training.muon import Muon

_SCALE_RATE = 10.0
_BETAS = (0.9, 0.98)
_OF_LOSSES = ("logit_scale", "logit_bias")
"""Parameters of the model that the losses learn a copy of."""
_UNDECAYED = ("embedding", "embed_tokens", "wte", "wpe", "parametrizations")
"""Parts of the names of matrices that have no decay."""


class Stepper:
    """The optimisers of a run: AdamW, or Muon for the layers' matrices and AdamW for all else.

    Matrices decay, those of LoRA too, which draws a layer to its start. Norms, biases, embeddings and scales do not,
    nor do DoRA's magnitudes, nor the magnitudes and directions of geometric weights. The losses' scale and bias learn
    ten times as fast. With layer-wise decay of the rate (Clark et al. 2020, ELECTRA, arXiv 2003.10555), block i of D
    of a tower learns at decay^(D - 1 - i) of the rate, its embeddings at decay^D, what follows the blocks at the
    whole. Muon (Jordan et al. 2024) moves at AdamW's rate of change (Liu et al. 2025, arXiv 2502.16982); adapters and
    geometric weights are left to AdamW.

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
        """Clip and step, at the rate of `step` counted from 0 → (rate of learning, norm of the weights' gradient).

        Where a gradient is not finite, nothing moves and the norm is not finite.
        """
        factor = rate(step, self._config)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * factor
            if self._scaler:
                self._scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(self.weights, self._config.clip).item()
        if not all(value.grad is None or value.grad.isfinite().all() for value in self._losses):
            norm = math.nan
        if math.isfinite(norm):
            for optimiser in self.optimisers:
                if self._scaler:
                    self._scaler.step(optimiser)
                else:
                    optimiser.step()
        if self._scaler:
            self._scaler.update()
        return self._config.learning_rate * factor, norm


def is_matrix(name: str, value: Any) -> bool:
    """Whether a parameter of that name is the matrix of a layer, which decays."""
    return value.ndim == 2 and not any(part in name for part in _UNDECAYED)


def _optimisers(config: TrainConfig, module: nn.Module, losses: list[nn.Parameter]) -> list[torch.optim.Optimizer]:
    """Of the parameters of each rate and decay one group, in the order of the module."""
    share = _shares(module, config.trained.layer_decay)
    groups: dict[str, dict[tuple[float, float], list[nn.Parameter]]] = {"muon": {}, "adamw": {}}
    for name, value in module.named_parameters():
        if not value.requires_grad or name in _OF_LOSSES:
            continue
        kind: str = config.optimiser if is_matrix(name, value) and "lora_" not in name else "adamw"
        key = (config.learning_rate * share(name), config.weight_decay if is_matrix(name, value) else 0.0)
        groups[kind].setdefault(key, []).append(value)
    if losses:
        groups["adamw"].setdefault((config.learning_rate * _SCALE_RATE, 0.0), []).extend(losses)
    made: list[torch.optim.Optimizer] = []
    for kind, found in groups.items():
        plain: Any = [{"params": values, "lr": lr, "weight_decay": decay} for (lr, decay), values in found.items()]
        if plain:
            made.append(Muon(plain, lr=0.0) if kind == "muon" else torch.optim.AdamW(plain, betas=_BETAS, fused=True))
    return made


def _shares(module: nn.Module, decay: float) -> Callable[[str], float]:
    """Of a parameter's name, its share of the rate; 1 outside of the towers."""
    if decay == 1:
        return lambda name: 1.0
    both = towers.of(module)

    def share(name: str) -> float:
        for tower in both:
            level = tower.level(name)
            if level is not None:
                return float(decay ** max(0, tower.depth - level))
        return 1.0

    return share


def rate(step: int, config: TrainConfig) -> float:
    """Linear warm-up, then the schedule; a factor of the peak."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return {"cosine": 0.5 * (1 + math.cos(math.pi * done)), "linear": 1 - done, "constant": 1.0}[config.schedule]
