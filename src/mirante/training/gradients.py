"""The exact gradient of a batch that does not fit: gradient caching, over chunks and over processes.

Source: Gao et al. 2021 (GradCache, arXiv 2101.06983). First every chunk is encoded without a graph; the loss of the
whole batch gives the gradient of each row; then each chunk is encoded again, with a graph, and takes its rows'
gradient. A batch of one chunk keeps its graph and is encoded once. Every process encodes its share of the same batch,
sees the rows of all, and adds its part to the sum of gradients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mirante.batch import Batch
from mirante.training.objective import Objective
from mirante.training.views import View


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is; both default to one process alone."""

    rank: int = 0
    count: int = 1

    def share(self, length: int) -> slice:
        """The part of `length` items that this process encodes."""
        return slice(self.rank * length // self.count, (self.rank + 1) * length // self.count)

    def gather(self, rows: Tensor, length: int) -> Tensor:
        """The `length` rows of all processes, in order; no gradient passes."""
        if self.count == 1:
            return rows
        most = -(-length // self.count)
        padded = torch.nn.functional.pad(rows, (0, 0, 0, most - len(rows)))
        parts = [torch.empty_like(padded) for _ in range(self.count)]
        torch.distributed.all_gather(parts, padded.contiguous())
        lengths = [Processes(rank, self.count).share(length) for rank in range(self.count)]
        return torch.cat([part[: own.stop - own.start] for part, own in zip(parts, lengths, strict=True)])

    def add(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Sum the gradients of all processes in place."""
        if self.count == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            torch.distributed.all_reduce(parameter.grad)


@dataclass(frozen=True)
class Gradients:
    """How the gradient of a batch is found.

    Args:
        views: how the rows of each side are made.
        objective: of the rows of all views.
        micro: rows encoded at once, 0 for all.
        processes: which share of each batch is encoded here.
        scaler: of fp16 gradients, None for none.
    """

    views: Mapping[str, View]
    objective: Objective
    micro: int = 0
    processes: Processes = Processes()
    scaler: Any = None

    def backward(self, batch: Batch, seed: tuple[int, ...]) -> Tensor:
        """Add the gradient on `batch`, the same on every process, to the parameters; returns the loss, detached.

        Args:
            batch: the whole batch.
            seed: of the randomness of the views; a chunk draws the same both times.
        """
        sides = self._sides(batch, seed)
        leaves = {name: side.first_pass() for name, side in zip(self.views, sides, strict=True)}
        loss: Tensor = self.objective(leaves, batch)
        if loss.requires_grad:
            torch.autograd.backward(self.scaler.scale(loss) if self.scaler else loss)
        for side, leaf in zip(sides, leaves.values(), strict=True):
            if leaf.grad is not None:
                side.second_pass(leaf.grad)
        return loss.detach()

    def loss(self, batch: Batch, seed: tuple[int, ...]) -> Tensor:
        """The loss of `batch` by the model as it now is; no gradient, the same draws as `backward` with that seed."""
        self.objective.eval()  # a queue of texts stays as it is
        with torch.no_grad():
            rows = [side.rows() for side in self._sides(batch, seed)]
            loss: Tensor = self.objective(dict(zip(self.views, rows, strict=True)), batch)
        self.objective.train()
        return loss

    def _sides(self, batch: Batch, seed: tuple[int, ...]) -> list["Side"]:
        return [
            Side(view, view.items(batch), self.micro, self.processes, (*seed, number))
            for number, view in enumerate(self.views.values())
        ]


def recompute_activations(module: Any) -> None:
    """Let each layer of transformers' `module` compute its activations again in the backward pass, not keep them.

    Source: Chen et al. 2016 (arXiv 1604.06174). Each layer repeats its randomness too, so no gradient changes.
    """
    new = getattr(module, "activation_checkpointing_enable", None)  # the name in later transformers 5
    (new or module.gradient_checkpointing_enable)({"use_reentrant": False})


def reseed(seed: tuple[int, ...]) -> None:
    """Let torch draw from here on what it draws for `seed`."""
    torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]) >> 1)


class Side:
    """One view of one batch, in chunks; a process without a share encodes one item, to know the width of its rows."""

    def __init__(
        self, view: View, items: Sequence[Any], micro: int, processes: Processes, seed: tuple[int, ...]
    ) -> None:
        self._view, self._length, self._processes = view, len(items), processes
        self._own = processes.share(len(items))
        mine = items[self._own]
        size = micro or max(1, len(mine))
        self._chunks = [mine[at : at + size] for at in range(0, len(mine), size)] or [items[:1]]
        self._seed = (*seed, processes.rank)
        self._kept: Tensor | None = None

    def first_pass(self) -> Tensor:
        """The rows of the whole batch, a leaf of the loss's graph."""
        whole = self._view.learns and len(self._chunks) == 1
        with torch.set_grad_enabled(whole):
            rows = [self._encode(number) for number in range(len(self._chunks))]
        self._kept = rows[0] if whole else None
        return self._gathered(rows).requires_grad_(self._view.learns)

    def rows(self) -> Tensor:
        """The rows of the whole batch; to be called without gradient."""
        return self._gathered([self._encode(number) for number in range(len(self._chunks))])

    def _gathered(self, rows: list[Tensor]) -> Tensor:
        own = torch.cat([row.detach() for row in rows])[: self._own.stop - self._own.start]
        return self._processes.gather(own, self._length)

    def second_pass(self, gradient: Tensor) -> None:
        """Send the rows' gradient on into the parameters, chunk by chunk."""
        own, at = gradient[self._own], 0
        for number, chunk in enumerate(self._chunks if len(own) else []):
            rows = self._kept if self._kept is not None else self._encode(number)
            torch.autograd.backward(rows, own[at : at + len(chunk)])
            at += len(chunk)

    def _encode(self, number: int) -> Tensor:
        reseed((*self._seed, number))
        return self._view.encode(self._chunks[number])
