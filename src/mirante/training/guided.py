"""Training a guide: each text scores pictures that are looked at under it, and the gradient goes to the guide alone.

Source: Zhan et al. 2025 (ELIP, arXiv 2502.15682). Every picture of a row is conditioned on the row's own text, so that
copying the text into the picture's vector gains nothing: all candidates of a text would move alike. Over a BLIP-2 the
loss `itm` judges the logits of a match alone, against false pictures that are drawn by how the base likes them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mirante.batch import Batch
from mirante.encoders._prompted import Hidden
from mirante.errors import UsageError
from mirante.rerankers._guide import Said, Told
from mirante.rerankers._guided_matcher import AnyGuided, GuidedMatcher
from mirante.training.config import Elip, TrainConfig
from mirante.training.gradients import Processes, Side, reseed
from mirante.training.pictures import Pictures
from mirante.training.ranking import Ranking
from mirante.training.task import Task
from mirante.training.views import View

if TYPE_CHECKING:
    from accelerate import Accelerator

TEMPERATURE = 0.07
"""That BLIP-2's similarities start with; checkpoints in transformers' format hold none."""


@dataclass(frozen=True)
class Table:
    """A batch before any query is told.

    Args:
        hidden: B pictures below the guided layers.
        said: T texts as the base reads them.
        base: (T, B) its own cosines.
        cells: (n, 2) int64, text and picture of each score to be found.
        true: (T, B) bool.
    """

    hidden: Hidden
    said: Said
    base: Tensor
    cells: NDArray[np.int64]
    true: Tensor

    def spread(self, scores: Tensor, *, added: bool) -> tuple[Tensor, Tensor]:
        """(n,) guided scores → (T, B) scores, with the base's where `added`, and which of them are known."""
        texts, pictures = torch.from_numpy(self.cells.T).to(self.base.device)
        known = torch.zeros_like(self.true)
        known[texts, pictures] = True
        whole = torch.zeros_like(self.base).index_put((texts, pictures), scores)
        return (whole + self.base if added else whole), known


@dataclass(frozen=True)
class GuidedGradients:
    """The gradient of a batch in the parameters of the guide, exact for any micro-batch.

    Args:
        guided: base and guide.
        pictures: pixels by row.
        ranking: of the scores.
        elip: which scores are found, and whether the base's are added.
        micro: cells whose activations are held at once, 0 for all.
        processes: which share of the cells is found here.
        autocast: gives the context of the forward pass.
        scaler: of fp16 gradients, None for none.
    """

    guided: AnyGuided
    pictures: Pictures
    ranking: Ranking
    elip: Elip
    micro: int = 0
    processes: Processes = field(default_factory=Processes)
    autocast: Callable[[], Any] = torch.no_grad
    scaler: Any = None

    def backward(self, batch: Batch, seed: tuple[int, ...]) -> Tensor:
        """Add the gradient on `batch` to the parameters of the guide; returns the loss, detached."""
        table = self.table(batch, seed)
        told = self._told(table, seed)
        leaves = tuple(one.detach().requires_grad_(one.requires_grad) for one in told)
        side = self._side(table, leaves, seed)
        found = side.first_pass()
        loss = self._loss(table, found)
        if loss.requires_grad:
            torch.autograd.backward(self.scaler.scale(loss) if self.scaler else loss)
        if found.grad is not None:
            side.second_pass(found.grad)
        for one, leaf in zip(told, leaves, strict=True):
            if leaf.grad is not None:
                torch.autograd.backward(one, leaf.grad)
        return loss.detach()

    def loss(self, batch: Batch, seed: tuple[int, ...]) -> Tensor:
        """The loss by the guide as it now is, with the draws of `backward` for that seed."""
        table = self.table(batch, seed)
        with torch.no_grad():
            return self._loss(table, self._side(table, self._told(table, seed), seed).rows())

    @torch.no_grad()
    def table(self, batch: Batch, seed: tuple[int, ...] = ()) -> Table:
        """What the base alone makes of a batch; `seed` is of false candidates that are drawn."""
        with self.autocast():
            hidden = self.guided.lower(self.pictures.batch(batch.rows).to(self.guided.encoder.device))
            said = self.guided.read(batch.texts)
            base = self.guided.base(hidden, said).float()
        true = torch.from_numpy(batch.positives).to(base.device)
        liked = shaken(base, seed) if self.elip.loss == "itm" else base
        return Table(hidden, said, base, candidates(liked, true, self.elip.candidates), true)

    def _told(self, table: Table, seed: tuple[int, ...]) -> Told:
        """What the guide makes of all texts of the batch, found once, however many pieces the cells come in."""
        reseed((*seed, 4))
        with self.autocast():
            return self.guided.say(table.said)

    def _side(self, table: Table, told: Told, seed: tuple[int, ...]) -> Side:
        def encode(cells: NDArray[np.int64]) -> Tensor:
            texts, pictures = torch.from_numpy(cells.T).to(table.base.device)
            with self.autocast():
                each = tuple(one[texts] for one in told)
                return self._score(table.hidden[pictures], table.said[texts], each)[:, None]

        return Side(View("rows", encode, learns=True), cast("Any", table.cells), self.micro, self.processes, seed)

    def _score(self, hidden: Hidden, said: Said, told: Told) -> Tensor:
        if self.elip.loss == "itm":
            return cast("GuidedMatcher", self.guided).match(hidden, said, told)
        return self.guided.scores(hidden, said, told)

    def _loss(self, table: Table, found: Tensor) -> Tensor:
        scores, known = table.spread(found[:, 0], added=self.elip.added and self.elip.loss != "itm")
        loss: Tensor = self.ranking(scores, known, table.true)
        return loss


def candidates(base: Tensor, true: Tensor, count: int) -> NDArray[np.int64]:
    """The cells whose scores are found: each text with the true pictures that the base misses, and false ones it likes.

    Args:
        base: (T, B) cosines.
        true: (T, B) bool.
        count: pictures of a text, at most; half of them at most are true, and where it has both, each is there. 0 for
            all.

    Returns:
        (n, 2) int64, ordered by text, then picture.
    """
    if not count or count >= base.shape[1]:
        return torch.ones_like(true).nonzero().cpu().numpy()
    right, wrong = (true & (_places(base, ~true, first=False) < count // 2)), _places(base, true, first=True)
    wanted = count - right.sum(dim=1)
    return (right | (~true & (wrong < wanted[:, None]))).nonzero().cpu().numpy()


def _places(base: Tensor, others: Tensor, *, first: bool) -> Tensor:
    """Of each picture its place among those that are not `others`, by what the base likes most `first` or last."""
    liked = base if first else -base
    order = liked.masked_fill(others, -torch.inf).argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1)


def shaken(base: Tensor, seed: tuple[int, ...]) -> Tensor:
    """Cosines with noise, whose order is a draw without replacement from the softmax of `base` / temperature.

    Source: Gumbel top-k (Kool et al. 2019, arXiv 1903.06059).
    """
    noise = np.random.default_rng((*seed, 3)).gumbel(size=tuple(base.shape))
    return base / TEMPERATURE + torch.from_numpy(noise).to(base.device, base.dtype)


def check(elip: Elip, guided: AnyGuided) -> None:
    """Refuse a loss that the base has no scores for.

    Raises:
        UsageError: it judges matches, and the base gives none.
    """
    if elip.loss == "itm" and not isinstance(guided, GuidedMatcher):
        raise UsageError(
            f'elip.loss = "itm" judges the matches of a BLIP-2, and {guided.encoder.provenance.model!r} gives none: '
            'use "cross-entropy", "symmetric", "sigmoid" or "smooth-ap".'
        )


def task(config: TrainConfig, elip: Elip, guided: AnyGuided, pictures: Pictures, accelerator: "Accelerator") -> Task:
    """The guide of a frozen base learns."""
    ranking = Ranking(elip.loss, guided.encoder.module).to(guided.encoder.device)
    processes = Processes(accelerator.process_index, accelerator.num_processes)
    gradients = GuidedGradients(
        guided, pictures, ranking, elip, config.memory.micro, processes, accelerator.autocast, accelerator.scaler
    )
    return Task(guided.encoder, guided.guide, ranking, gradients)
