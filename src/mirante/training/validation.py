"""Validation by retrieval, not by loss: the target and what must not be forgotten, and the best checkpoint so far."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol as Interface

from mirante.embeddings import embed_pairs
from mirante.errors import UnknownName
from mirante.evaluation import Judgement, Settings, evaluate, evaluate_run
from mirante.training.compared import Comparing, compared
from mirante.training.data import Sets
from mirante.training.loop import Verdict
from mirante.training.snapshot import Measured, Snapshot
from mirante.training.state import Position
from mirante.types import Embeddings, Encoder, Pairs


@dataclass(frozen=True)
class Judged:
    """What a model makes of one data set, text to image.

    Args:
        pairs: the data without unreadable pictures.
        images: rows of its pictures.
        texts: rows of its captions.
        judged: the run, and how good it is.
    """

    pairs: Pairs
    images: Embeddings
    texts: Embeddings
    judged: Judgement


def judge(encoder: Encoder, pairs: Pairs, *, resamples: int = 1000) -> Judged:
    """Text to image over the whole gallery, of `encoder` as it is now; a model that compares in its own way does so."""
    images, texts, unreadable = embed_pairs(pairs, encoder)
    readable = pairs.without_images(unreadable)
    settings = conditions(readable, len(unreadable), resamples)
    if isinstance(encoder, Comparing):
        run = compared(encoder, texts, images)
        judged = evaluate_run(run, readable, settings, provenance=images.provenance)
    else:
        judged = evaluate(images, texts, readable, settings)
    return Judged(readable, images, texts, judged)


def measure(encoder: Encoder, pairs: Pairs, *, resamples: int = 1000) -> Measured:
    """Text to image, of `encoder` as it is now, unreadable pictures left out."""
    found = judge(encoder, pairs, resamples=resamples).judged.result
    return Measured(dict(found.metrics), found.protocol)


def conditions(pairs: Pairs, dropped: int, resamples: int) -> Settings:
    """How readable `pairs` are judged, where `dropped` pictures more could not be read."""
    return Settings(resamples=resamples, dropped=dropped, language=pairs.language)


class Measurable(Interface):
    """What can be measured while it learns."""

    def tune(self, sets: Sets) -> None:
        """Choose on validation and retained data what training does not."""

    def measure(self, pairs: Pairs, *, resamples: int = 1000) -> Measured:
        """Text to image, as it is now."""


@dataclass(frozen=True)
class Retrieval:
    """A model by itself: it has nothing to choose."""

    encoder: Encoder

    def tune(self, sets: Sets) -> None:
        """Nothing."""

    def measure(self, pairs: Pairs, *, resamples: int = 1000) -> Measured:
        """Text to image, as it is now."""
        return measure(self.encoder, pairs, resamples=resamples)


def snapshot(learner: Measurable, sets: Sets) -> Snapshot:
    """What `learner` reaches now on the validation and the retained data."""
    return Snapshot(*(learner.measure(pairs) if pairs else None for pairs in (sets.validation, sets.retain)))


@dataclass(frozen=True)
class Watch:
    """Called at each validation; keeps the checkpoint where it is the best so far.

    Args:
        learner: in training.
        sets: validation decides, the retained data is measured beside it.
        select: metric of the validation that decides.
        keep: writes the checkpoint.
    """

    learner: Measurable
    sets: Sets
    select: str
    keep: Callable[[], object]

    def __call__(self, position: Position) -> Verdict:
        """Measure, and keep the checkpoint if no value before was as high.

        Raises:
            UnknownName: no such metric.
        """
        news: dict[str, float] = {}
        self.learner.tune(self.sets)
        for prefix, pairs in (("", self.sets.validation), ("retain ", self.sets.retain)):
            if pairs:
                metrics = self.learner.measure(pairs, resamples=0).metrics
                news |= {f"{prefix}{name}": round(one.value, 4) for name, one in metrics.items()}
        if self.select not in news:
            raise UnknownName("metric to select by", self.select, news)
        value = news[self.select]
        best = position.best is None or value > position.best
        if best:
            self.keep()
        return Verdict(news, best, value)
