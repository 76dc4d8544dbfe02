"""What a guide learns by: losses on the scores of candidates, each text against pictures that it is confused with.

Sources: cross-entropy and pairwise sigmoid as in ELIP (Zhan et al. 2025, arXiv 2502.15682), the first being the
listwise softmax of ListNet (Cao et al. 2007) where candidates are a mined top k; matching: Li et al. 2021 (ALBEF, arXiv
2107.07651), as in ELIP-B; smooth-AP: Brown et al. 2020 (arXiv 2007.12163).
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from mirante.errors import UnknownName
from mirante.training.objective import MAX_SCALE

_SMOOTH = 0.01
"""Of smooth-AP, in cosines."""


class Ranking(nn.Module):
    """A loss of scores, with the scale and bias that it learns; they start at the base's own.

    Args:
        name: of the loss.
        module: the base.

    Raises:
        UnknownName: no such loss.
    """

    def __init__(self, name: str, module: nn.Module) -> None:
        super().__init__()
        if name not in LOSSES:
            raise UnknownName("loss of a guide", name, LOSSES)
        self._loss = LOSSES[name]
        self.logit_scale = nn.Parameter(_own(module, "logit_scale"))
        self._highest = max(self.logit_scale.item(), math.log(MAX_SCALE))
        if name == "sigmoid":
            self.logit_bias = nn.Parameter(_own(module, "logit_bias"))

    def forward(self, scores: Tensor, known: Tensor, true: Tensor) -> Tensor:
        """(T, B) scores, which of them are known and which are of true pairs, both (T, B) bool → scalar."""
        bias: Tensor | float = getattr(self, "logit_bias", 0.0)
        return self._loss(scores, self.logit_scale.exp(), bias, known, true & known)

    @torch.no_grad()
    def clamp(self) -> None:
        """Hold the scale at 100 or less, or at its start where that is more."""
        self.logit_scale.clamp_(max=self._highest)

    def write_back(self, module: nn.Module) -> None:
        """A guide has no place for a scale: orders do not change with it."""


def cross_entropy(scores: Tensor, scale: Tensor, bias: Tensor | float, known: Tensor, true: Tensor) -> Tensor:
    """Each true picture of a text among the false ones; where several are true, they do not compete."""
    del bias
    true = true & known
    asked = _asked(known, true)
    if not asked.any():
        return scores.sum() * 0.0
    told, of = (scores * scale)[asked], true[asked]
    false = told.masked_fill(~(known[asked] & ~of), -torch.inf).logsumexp(dim=1, keepdim=True)
    costs = softplus(false - told).masked_fill(~of, 0.0)
    return (costs.sum(dim=1) / of.sum(dim=1)).mean()


def symmetric(scores: Tensor, scale: Tensor, bias: Tensor | float, known: Tensor, true: Tensor) -> Tensor:
    """Each text among its pictures, and each picture among its texts."""
    images = cross_entropy(scores.T, scale, bias, known.T, true.T)
    return (cross_entropy(scores, scale, bias, known, true) + images) / 2


def sigmoid(scores: Tensor, scale: Tensor, bias: Tensor | float, known: Tensor, true: Tensor) -> Tensor:
    """Each known cell on its own, summed over the pictures of a text."""
    signs = torch.where(true, 1.0, -1.0)
    return -(logsigmoid(signs * (scores * scale + bias)) * known).sum() / len(scores)


def itm(scores: Tensor, scale: Tensor, bias: Tensor | float, known: Tensor, true: Tensor) -> Tensor:
    """Match or no match, by two classes' cross-entropy of each logit: half of a text's loss is of its true pictures."""
    del bias
    true, false, asked = true & known, known & ~true, _asked(known, true)
    if not asked.any():
        return scores.sum() * 0.0
    right, wrong = softplus(-scores) * true, softplus(scores) * false
    each = right.sum(dim=1)[asked] / true.sum(dim=1)[asked] + wrong.sum(dim=1)[asked] / false.sum(dim=1)[asked]
    return each.mean() / 2 + 0.0 * scale


def smooth_ap(scores: Tensor, scale: Tensor, bias: Tensor | float, known: Tensor, true: Tensor) -> Tensor:
    """One minus the average precision of each text, with a soft step in place of a hard one; scale is not used."""
    del bias
    asked = _asked(known, true)
    if not asked.any():
        return scores.sum() * 0.0
    total = (scores * 0.0).sum() + 0.0 * scale
    for row, seen, right in zip(scores[asked], known[asked], true[asked], strict=True):
        ahead = torch.sigmoid((row[seen][None, :] - row[right][:, None]) / _SMOOTH)  # (positives, known)
        rank = 0.5 + ahead.sum(dim=1)  # a picture is half a step ahead of itself
        among = 0.5 + ahead[:, right[seen]].sum(dim=1)
        total = total + 1 - (among / rank).mean()
    return total / asked.sum()


LOSSES: Mapping[str, Callable[[Tensor, Tensor, Tensor | float, Tensor, Tensor], Tensor]] = {
    "cross-entropy": cross_entropy,
    "symmetric": symmetric,
    "sigmoid": sigmoid,
    "itm": itm,
    "smooth-ap": smooth_ap,
}


def _asked(known: Tensor, true: Tensor) -> Tensor:
    """(T,) bool: the texts that have both a true and a false picture; the others say nothing."""
    return true.any(dim=1) & (known & ~true).any(dim=1)


def _own(module: nn.Module, name: str) -> Tensor:
    """A number of the base, 0 where it has none."""
    found: Tensor | None = getattr(module, name, None)
    return torch.zeros(()) if found is None else found.detach().clone().reshape(())
