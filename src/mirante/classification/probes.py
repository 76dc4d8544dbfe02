"""Probes: classifiers learned on rows of labelled pictures; each kind's one setting is chosen on a held-out fifth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mirante.classification import logistic, neighbours
from mirante.errors import DataError, UnknownName
from mirante.types import Vectors

KINDS = {"linear": logistic, "knn": neighbours}
_HELD_OUT = 0.2
_LEAST = 1e-3
"""A smaller probability of the truth counts as this, so that one vote of no neighbour does not decide."""


class Classifier(Protocol):
    """What gives (n, d) rows their probabilities."""

    def probabilities(self, rows: Vectors) -> NDArray[np.float64]:
        """(n, d) rows → (n, c) probabilities, each row adds up to 1."""


@dataclass(frozen=True)
class Probe:
    """A fitted classifier, the setting chosen (strength of the penalty, or k), its accuracy on the held-out fifth."""

    classifier: Classifier
    setting: float
    held_out: float


def learn(
    kind: str, rows: Vectors, targets: NDArray[np.int64], *, classes: int, contents: Sequence[str], seed: int = 0
) -> Probe:
    """Choose the setting by log-likelihood on a fifth of the pictures, held out at random, then fit all.

    Likelihood, not accuracy: accuracy hardly tells settings apart that differ much in how sure they are.

    Args:
        kind: `linear` or `knn`.
        rows: (n, d) unit rows.
        targets: (n,) classes, from 0.
        classes: number of classes.
        contents: n names; equal pictures stay on one side.
        seed: of the choice.

    Raises:
        UnknownName: no such kind.
        DataError: fewer than two different pictures.
    """
    if kind not in KINDS:
        raise UnknownName("probe", kind, KINDS)
    names = list(dict.fromkeys(contents))
    if len(names) < 2:
        raise DataError(f"A probe learns from at least 2 different pictures, not {len(names)}: give more (--train).")
    shuffled = np.random.default_rng(seed).permutation(len(names))
    out = {names[at] for at in shuffled[: max(1, round(_HELD_OUT * len(names)))]}
    held = np.array([content in out for content in contents])
    found = []
    for setting in KINDS[kind].SETTINGS:
        tried = KINDS[kind].fit(rows[~held], targets[~held], classes, setting).probabilities(rows[held])
        own = tried[np.arange(len(tried)), targets[held]]
        accuracy = float(np.mean(tried.argmax(axis=1) == targets[held]))
        found.append((float(np.log(np.maximum(own, _LEAST)).mean()), accuracy, setting))
    _, accuracy, best = max(found, key=lambda one: one[:2])
    return Probe(KINDS[kind].fit(rows, targets, classes, best), best, accuracy)
