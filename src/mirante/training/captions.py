"""Training a captioner: each caption of a batch under its picture, and the exact gradient in pieces of any size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from mirante.batch import Batch
from mirante.captioning.captioner import Captioner
from mirante.training.config import Caption, TrainConfig
from mirante.training.gradients import Processes, recompute_activations, reseed
from mirante.training.likelihood import Likelihood
from mirante.training.pictures import Pictures
from mirante.training.task import Task

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class CaptionGradients:
    """The gradient of the mean cost of a word of a batch; a sum over captions, so that pieces add up exactly.

    Args:
        captioner: what learns.
        pictures: pixels by row.
        likelihood: the cost of words.
        longest: tokens of a caption.
        micro: captions whose activations are held at once, 0 for all.
        processes: which share of the captions is read here.
        autocast: gives the context of the forward pass.
        scaler: of fp16 gradients, None for none.
    """

    captioner: Captioner
    pictures: Pictures
    likelihood: Likelihood
    longest: int
    micro: int = 0
    processes: Processes = field(default_factory=Processes)
    autocast: Callable[[], Any] = torch.no_grad
    scaler: Any = None

    def backward(self, batch: Batch, seed: tuple[int, ...]) -> Tensor:
        """Add the gradient on `batch` to the parameters; returns the loss, detached."""

        def learn(cost: Tensor) -> None:
            torch.autograd.backward(self.scaler.scale(cost) if self.scaler else cost)

        return self._over(batch, seed, learn)

    @torch.no_grad()
    def loss(self, batch: Batch, seed: tuple[int, ...]) -> Tensor:
        """The loss by the weights as they now are, with the draws of `backward` for that seed."""
        return self._over(batch, seed, lambda cost: None)

    def _over(self, batch: Batch, seed: tuple[int, ...], use: Callable[[Tensor], None]) -> Tensor:
        """The mean cost of a word; `use` gets the part of each piece of this process's share."""
        cells, rows = batch.true, self.captioner.targets(batch.texts, self.longest)
        words = sum(len(rows[text]) for text, _ in cells.tolist())
        mine = cells[self.processes.share(len(cells))].tolist()
        size = self.micro or max(1, len(mine))
        total = torch.zeros((), device=self.captioner.device)
        for number, at in enumerate(range(0, len(mine), size)):
            reseed((*seed, self.processes.rank, number))
            cost = self._cost(batch, mine[at : at + size], rows) / max(1, words)
            use(cost)
            total += cost.detach()
        if self.processes.count > 1:
            torch.distributed.all_reduce(total)
        return total

    def _cost(self, batch: Batch, cells: list[list[int]], rows: Sequence[Sequence[int]]) -> Tensor:
        pixels = self.pictures.batch(batch.rows[[picture for _, picture in cells]])
        with self.autocast():
            found = self.captioner.logits(pixels.to(self.captioner.device), [rows[text] for text, _ in cells])
        cost: Tensor = self.likelihood(*found)
        return cost


def task(
    config: TrainConfig, caption: Caption, captioner: Captioner, pictures: Pictures, accelerator: "Accelerator"
) -> Task:
    """A captioner learns to write the captions of the batches."""
    likelihood = Likelihood(caption.smoothing).to(captioner.device)
    if config.memory.checkpointing:
        recompute_activations(captioner.module)
    gradients = CaptionGradients(
        captioner, pictures, likelihood, caption.tokens, config.memory.micro,
        Processes(accelerator.process_index, accelerator.num_processes), accelerator.autocast, accelerator.scaler,
    )  # fmt: skip
    return Task(cast("Any", captioner), captioner.module, likelihood, gradients)
