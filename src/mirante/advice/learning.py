"""The runs of a learning curve: fine-tune on nested shares of the pictures, judge each on the same held-out ones.

Each run is a folder under `learning/` that is named by its share and settings. A killed one goes on where it stopped;
a finished one is read from its `measured.json`, and its optimiser's states are thrown away.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from mirante import config as configuration
from mirante import encoders
from mirante.advice.curve import Curve, Point, extrapolate
from mirante.advice.families import METRIC
from mirante.advice.recipe import at_share
from mirante.advice.trial import Trial, finished, keep
from mirante.embeddings import embed_pairs
from mirante.errors import UsageError
from mirante.evaluation import Comparison, PerQuery, Settings, compare, evaluate
from mirante.training import TrainConfig, train
from mirante.training.data import Sets, open_sets
from mirante.types import Encoder, Pairs

SHARES = (0.01, 0.05, 0.2)
LEAST_PICTURES = 16
"""A smaller share is left out: it fills no batch."""


@dataclass(frozen=True)
class Plan:
    """What is learnt and measured.

    Args:
        config: the recommended run on all of the data; its `validation` or held-out part is what every run is judged
            on, its `retain` what must not be forgotten.
        out: the folder of the advice.
        leaked: ids of held-out images that are not judged, because training pictures show the same.
        shares: of the pictures to learn from.
    """

    config: TrainConfig
    out: Path
    leaked: frozenset[str] = frozenset()
    shares: tuple[float, ...] = SHARES


@dataclass(frozen=True)
class Learning:
    """What the runs tell.

    Args:
        curve: points and extrapolation.
        trials: the model as it is, then one a share.
        left_out: share → its pictures, where there were too few.
        forgotten: R@1 on the retained data, the largest share less the model as it is; None where nothing is retained.
    """

    curve: Curve
    trials: tuple[Trial, ...]
    left_out: Mapping[float, int]
    forgotten: Comparison | None


def learn(plan: Plan, load: Callable[[str], Encoder] = encoders.load) -> Learning:
    """Do the runs that are not done yet, and follow their curve.

    Args:
        plan: the runs.
        load: opens a model address; says how models run.

    Raises:
        UsageError: every share has too few pictures, or there is nothing to measure on.
        DataError: a picture is both learnt from and measured.
        TrainingError: a loss is no longer a number.
    """
    sets = open_sets(plan.config.data)
    if sets.validation is None:
        raise UsageError(
            f"A learning curve needs held-out pictures, and {plan.config.data.address!r} was given without: set "
            "validation or hold_out."
        )
    sets = replace(sets, validation=sets.validation.without_images(plan.leaked))
    count = len(sets.batches.pictures)
    sizes = {share: ceil(share * count) for share in sorted(plan.shares)}
    kept = {share: size for share, size in sizes.items() if size >= LEAST_PICTURES}
    if not kept:
        raise UsageError(
            f"{plan.config.data.address!r} has {count} pictures to learn from, {max(sizes.values())} in the largest "
            f"share, and a run needs {LEAST_PICTURES}: leave --learning-curve out, or give larger --shares."
        )
    measure = _Measure(plan, sets, load)
    trials = (measure.start(), *(measure.share(share, size) for share, size in kept.items()))
    points = [Point(one.pictures, one.target.values[METRIC]) for one in trials]
    return Learning(
        extrapolate(points, trials[0].target.clusters, count),
        trials,
        {share: size for share, size in sizes.items() if share not in kept},
        _forgotten(trials[0].retain, trials[-1].retain),
    )


class _Measure:
    """Trials of one plan, done or read again."""

    def __init__(self, plan: Plan, sets: Sets, load: Callable[[str], Encoder]) -> None:
        self._plan, self._sets, self._load = plan, sets, load

    def start(self) -> Trial:
        """The model as it is."""
        config = self._plan.config
        folder = self._folder("start", replace(config, out="", data=replace(config.data, share=None)))
        model = str(config.model.start)
        return finished(folder) or keep(folder, self._judged(model, share=0.0, pictures=0, seconds=0.0))

    def share(self, share: float, pictures: int) -> Trial:
        """A fine-tune on a share."""
        config = at_share(self._plan.config, share, pictures=pictures)
        folder = self._folder(f"{share:g}", config)
        if known := finished(folder):
            return known
        done = train(replace(config, out=str(folder)))
        trial = self._judged(str(done.checkpoint), share=share, pictures=pictures, seconds=done.seconds)
        keep(folder, trial)
        for state in folder.glob("state-*"):
            shutil.rmtree(state)
        return trial

    def _folder(self, name: str, config: TrainConfig) -> Path:
        """Named by what is done, so that other settings, or other leaks, are another run."""
        done = {"config": configuration.plain(config), "leaked": sorted(self._plan.leaked)}
        digest = hashlib.sha256(json.dumps(done, sort_keys=True).encode()).hexdigest()
        return self._plan.out / "learning" / f"{name}-{digest[:8]}"

    def _judged(self, model: str, *, share: float, pictures: int, seconds: float) -> Trial:
        encoder, data = self._load(model), self._plan.config.data
        with tempfile.TemporaryDirectory() as folder:  # pictures of both sides are encoded once
            target = _judge(encoder, self._sets.validation, data.language, Path(folder))
            retain = _judge(encoder, self._sets.retain, data.retain_language, Path(folder))
        if target is None:
            raise UsageError(
                f"Every held-out picture of {data.address!r} is among those that are learnt from: give other --train."
            )
        return Trial(share, pictures, seconds, target, retain)


def _judge(encoder: Encoder, pairs: Pairs | None, language: str | None, folder: Path) -> PerQuery | None:
    """Hits of each query, text to image; None where there is nothing to ask."""
    if pairs is None or not pairs.captions:
        return None
    images, texts, unreadable = embed_pairs(pairs, encoder, folder)
    settings = Settings(resamples=0, language=language or "", dropped=len(unreadable))
    return evaluate(images, texts, pairs.without_images(unreadable), settings).per_query


def _forgotten(before: PerQuery | None, after: PerQuery | None) -> Comparison | None:
    """After less before, on the same queries."""
    if before is None or after is None:
        return None
    one, other = (PerQuery(name, held.protocol, held.queries, held.clusters, {METRIC: held.values[METRIC]})
                  for name, held in (("after", after), ("before", before)))  # fmt: skip
    (found,) = compare([one, other])
    return found if found.first == "after" else found.turned()
