"""What is trained: a guide over the frozen model, which re-ranks."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mirante.evaluation import Judgement, Settings, evaluate_run
from mirante.evaluation.clusters import Values
from mirante.evaluation.reordered import Reranking, reordered
from mirante.rerankers import Candidates, Collection, rerank
from mirante.rerankers._guided_files import read, write
from mirante.rerankers._guided_matcher import AnyGuided
from mirante.rerankers.elip import Elip as Reranker
from mirante.training import guided, parts
from mirante.training.config import Elip, TrainConfig
from mirante.training.data import Sets
from mirante.training.pictures import Pictures
from mirante.training.snapshot import Measured
from mirante.training.task import Task
from mirante.training.validation import judge
from mirante.types import Pairs, Run, Vectors

if TYPE_CHECKING:
    from accelerate import Accelerator


_ROUNDING = 1e-9
WEIGHTS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Of the guided score beside the base's; of those that are equally good the smallest is chosen."""


@dataclass(frozen=True)
class Base:
    """What the frozen model makes of one data set.

    Args:
        pairs: the data.
        collection: its texts, pictures and rows.
        judged: its run, and how good that is.
    """

    pairs: Pairs
    collection: Collection
    judged: Judgement


class Guide:
    """A guide in training.

    Args:
        config: the run; its `elip` says what is trained, its `select` which metric chooses the weight.
        elip: the same, known to be there.
        over: base and guide.
        weight: of the guided score until one is chosen.
    """

    def __init__(self, config: TrainConfig, elip: Elip, over: AnyGuided, weight: float | None) -> None:
        self._config, self._elip, self._over = config, elip, over
        self._reranker = _Remembering(over, weight)
        self._bases: dict[int, Base] = {}

    @property
    def weight(self) -> float | None:
        """Of the guided score beside the base's, None for it alone."""
        return self._reranker.weight

    def choose(self) -> tuple[int, int]:
        """Unlock the guide alone → numbers that are trained, and all."""
        module, guide = self._over.encoder.module, self._over.guide
        module.requires_grad_(requires_grad=False).eval()
        trained = parts.counts(guide.requires_grad_())[0]
        return trained, trained + parts.counts(module)[1]

    def task(self, pictures: Pictures, accelerator: "Accelerator") -> Task:
        """What a run over these pictures learns."""
        return guided.task(self._config, self._elip, self._over, pictures, accelerator)

    def save(self, folder: Path) -> Path:
        """Write the guide, with the weight that was chosen last."""
        return write(folder, self._over, self.weight)

    def reopen(self, folder: Path) -> "Guide":
        """The guide that was saved, to be measured."""
        return Guide(self._config, self._elip, *read(folder, self._over.encoder))

    def tune(self, sets: Sets) -> None:
        """Choose the weight that is best on the validation, of those that cost the retained data nothing.

        A loss of at most one standard error of its mean over queries is none (the rule of Breiman et al. 1984): else a
        single query of hundreds would decide. Where the guided score stands alone there is no weight to choose.
        """
        self._reranker.forget()
        if not self._elip.added or sets.validation is None:
            return
        kept = self._values(sets.retain) if sets.retain else None
        harmless = [weight for weight in WEIGHTS if not (kept and is_lower(kept[weight], kept[0.0]))]
        values = self._values(sets.validation)
        self._reranker.weight = max(harmless, key=lambda weight: values[weight].mean())

    def measure(self, pairs: Pairs, *, resamples: int = 1000) -> Measured:
        """Text to image, re-ranked, with the weight as it is."""
        base = self._base(pairs)
        how = Reranking((self._reranker.name,), self._elip.depth)
        found = reordered(base.judged, self._run(base), pairs=base.pairs, how=how, resamples=resamples).result
        return Measured(dict(found.metrics), found.protocol)

    def _values(self, pairs: Pairs) -> dict[float, Values]:
        """The metric that selects, query by query, of each weight."""
        base, of, values = self._base(pairs), Settings(metrics=(self._config.select,), resamples=0), {}
        for weight in WEIGHTS:
            self._reranker.weight = weight
            found = evaluate_run(self._run(base), base.pairs, of, provenance=base.judged.result.provenance)
            values[weight] = found.per_query.values[self._config.select]
        return values

    def _run(self, base: Base) -> Run:
        training = self._over.guide.training
        self._over.guide.eval()
        run = rerank(base.judged.run, self._reranker, base.collection, depth=self._elip.depth)
        self._over.guide.train(training)
        return run

    def _base(self, pairs: Pairs) -> Base:
        """What the frozen model makes of `pairs`, worked out once."""
        if id(pairs) not in self._bases:
            found = judge(self._over.encoder, pairs, resamples=0)
            known = Collection.of(found.pairs, texts=found.texts, images=found.images)
            self._bases[id(pairs)] = Base(found.pairs, known, found.judged)
        return self._bases[id(pairs)]


def is_lower(after: Values, before: Values) -> bool:
    """Whether a mean over the same queries fell by more than one standard error of the difference."""
    change = after - before
    if len(change) < 2:
        return False
    return bool(change.mean() < -change.std(ddof=1) / math.sqrt(len(change)) - _ROUNDING)


class _Remembering(Reranker):
    """Scores of a guide that stays as it is for a while, so that weights can be tried without looking again."""

    def __init__(self, guided: AnyGuided, weight: float | None) -> None:
        super().__init__(guided, weight)
        self._found: dict[tuple[str, ...], Vectors] = {}

    def forget(self) -> None:
        """The guide has changed."""
        self._found.clear()

    def guided_scores(self, candidates: Candidates) -> Vectors:
        """(k,), found once."""
        key = (candidates.text, *(picture.content for picture in candidates.pictures))
        if key not in self._found:
            self._found[key] = super().guided_scores(candidates)
        return self._found[key]
