"""The training loop, from top to bottom: a batch, both towers, the losses, one step."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mirante import losses
from mirante.errors import TrainingError
from mirante.progress import track
from mirante.training.config import LossTerm, Model, TrainConfig
from mirante.training.muon import Muon
from mirante.training.pictures import Pictures
from mirante.types import Batch, Batches

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder

_SCALE_RATE = 10.0
_BETAS = (0.9, 0.98)


@dataclass(frozen=True)
class Trained:
    """How a run went: steps done, seconds in the loop, the last mean loss."""

    steps: int
    seconds: float
    loss: float


def run(
    config: TrainConfig,
    encoder: "DualEncoder",
    batches: Batches,
    *,
    pictures: Pictures,
    log: Path,
    look: Callable[[int], dict[str, float]] | None = None,
) -> Trained:
    """Train `encoder` in place.

    Args:
        config: steps, batch, rates, losses and seed are read from it.
        encoder: its module is changed.
        batches: what each step sees.
        pictures: pixels of `batches.pictures`, in that order.
        log: JSON lines, one per 20 steps: step, loss, rate of learning, pictures per second.
        look: called every `config.validate_every` steps; what it returns is logged.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    rng = np.random.default_rng(config.seed)
    objective = Objective(config.losses, encoder.module).to(encoder.device)
    sees = _image_side(encoder, pictures, config.model)
    reads = _text_side(encoder, config.model)
    optimisers = _optimisers(config, encoder.module, objective)
    schedules = [torch.optim.lr_scheduler.LambdaLR(one, lambda step: _rate(step, config)) for one in optimisers]
    encoder.module.train()
    start, recent, last = time.monotonic(), 0.0, config.stop_after or config.steps
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as lines:
        for step in track(range(1, last + 1), "training", total=last, unit="steps"):
            batch = batches.draw(rng, config.batch)
            loss = objective(sees(batch.rows), reads(batch.texts), batch)
            if not math.isfinite(loss.item()):
                raise TrainingError(
                    f"The loss is {loss.item()} at step {step}: lower learning_rate (or clip) and rerun."
                )
            encoder.module.zero_grad()
            objective.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(_trained(encoder.module), config.clip)
            for optimiser, schedule in zip(optimisers, schedules, strict=True):
                optimiser.step()
                schedule.step()
            recent = loss.item() if step == 1 else 0.95 * recent + 0.05 * loss.item()
            news: dict[str, Any] = {}
            if step % 20 == 0 or step == last:
                rate = step * config.batch / (time.monotonic() - start)
                news = {
                    "step": step,
                    "loss": round(recent, 4),
                    "rate": schedules[0].get_last_lr()[0],
                    "pictures/s": rate,
                }
            if look and config.validate_every and step % config.validate_every == 0:
                objective.write_back(encoder.module)
                news |= {"step": step} | look(step)
                encoder.module.train()
            if news:
                lines.write(json.dumps(news) + "\n")
                lines.flush()
    objective.write_back(encoder.module)
    encoder.module.eval()
    return Trained(last, time.monotonic() - start, recent)


class Objective(nn.Module):
    """The weighted sum of the losses, each on the texts that it is meant for."""

    def __init__(self, terms: tuple[LossTerm, ...], module: nn.Module) -> None:
        super().__init__()
        self.terms = terms
        self.parts = nn.ModuleList(losses.create(term.name) for term in terms)
        for part in self.parts:
            _inherit(part, module)

    def forward(self, images: Tensor, texts: Tensor, batch: Batch) -> Tensor:
        """Unit rows (B, d) and (T, d) and their batch → scalar."""
        positives = torch.from_numpy(batch.positives).to(images.device)
        total = images.new_zeros(())
        for term, part in zip(self.terms, self.parts, strict=True):
            chosen = torch.from_numpy((batch.roles == term.texts) | (term.texts == "all")).to(images.device)
            if not chosen.any():
                continue
            total = total + term.weight * part(images, texts[chosen], positives[chosen])
        return total

    def write_back(self, module: nn.Module) -> None:
        """Leave the learned scale and bias in the model, where its own library looks for them."""
        with torch.no_grad():
            for part in self.parts:
                for name, value in _shared(part, module):
                    getattr(module, name).copy_(value.reshape(getattr(module, name).shape))


def _shared(part: nn.Module, module: nn.Module) -> list[tuple[str, Tensor]]:
    """Scale and bias that a loss has in common with the model: both or neither of the bias."""
    if hasattr(part, "logit_bias") != hasattr(module, "logit_bias"):
        return []
    return [(name, getattr(part, name)) for name in ("logit_scale", "logit_bias") if hasattr(part, name)]


def _inherit(part: nn.Module, module: nn.Module) -> None:
    with torch.no_grad():
        for name, value in _shared(part, module):
            value.copy_(getattr(module, name).reshape(value.shape))


def _image_side(encoder: "DualEncoder", pictures: Pictures, model: Model) -> Callable[[np.ndarray[Any, Any]], Tensor]:
    if model.freeze != "image":
        return lambda rows: normalize(encoder.image_features(pictures.batch(rows).to(encoder.device)), dim=-1)
    chunks = [np.arange(at, min(at + 256, len(pictures))) for at in range(0, len(pictures), 256)]
    encoder.module.eval()
    with torch.no_grad():
        parts = [
            normalize(encoder.image_features(pictures.batch(rows).to(encoder.device)), dim=-1)
            for rows in track(chunks, "frozen images", total=len(pictures), unit="pictures", size=len)
        ]
    once = torch.cat(parts)
    return lambda rows: once[torch.from_numpy(rows).to(once.device)]


def _text_side(encoder: "DualEncoder", model: Model) -> Callable[[tuple[str, ...]], Tensor]:
    def reads(texts: tuple[str, ...]) -> Tensor:
        with torch.set_grad_enabled(model.freeze != "text"):
            return normalize(encoder.text_features(encoder.tokens(texts)), dim=-1)

    return reads


def _optimisers(config: TrainConfig, module: nn.Module, objective: Objective) -> list[torch.optim.Optimizer]:
    """Matrices decay; norms, biases and embeddings do not; the losses' scale and bias learn ten times as fast.

    With `optimiser = "muon"` the matrices of the layers are stepped by Muon (Jordan et al. 2024, at AdamW's rate of
    change: Liu et al. 2025, arXiv 2502.16982) and all else by AdamW.
    """
    for name, tower in (("image", "vision_model"), ("text", "text_model")):
        getattr(module, tower).requires_grad_(config.model.freeze != name)
    named = [(name, value) for name, value in module.named_parameters() if value.requires_grad]
    named = [(name, value) for name, value in named if name not in ("logit_scale", "logit_bias")]
    layers = [value for name, value in named if value.ndim == 2 and "embedding" not in name]
    others = [value for name, value in named if value.ndim != 2 or "embedding" in name]
    rate, decay = config.learning_rate, config.weight_decay
    groups: list[dict[str, Any]] = [
        {"params": others, "weight_decay": 0.0},
        {"params": list(objective.parameters()), "weight_decay": 0.0, "lr": rate * _SCALE_RATE},
    ]
    if config.optimiser == "muon":
        return [Muon(layers, lr=rate, weight_decay=decay), torch.optim.AdamW(groups, lr=rate, betas=_BETAS)]
    groups.append({"params": layers, "weight_decay": decay})
    return [torch.optim.AdamW(groups, lr=rate, betas=_BETAS)]


def _trained(module: nn.Module) -> list[nn.Parameter]:
    return [value for value in module.parameters() if value.requires_grad and value.grad is not None]


def _rate(step: int, config: TrainConfig) -> float:
    """Linear warm-up, then a cosine to nothing; a factor of the peak."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
