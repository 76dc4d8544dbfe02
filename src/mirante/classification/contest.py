"""Zero-shot and probes side by side, on the same rows of the same labelled pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirante.classification import probes
from mirante.classification.examples import Examples
from mirante.classification.judge import Figures, judge, positions
from mirante.classification.zeroshot import ZeroShot, order

ZERO_SHOT = "zero-shot"


@dataclass(frozen=True)
class Outcome:
    """What one method said and what of it was right.

    Args:
        probabilities: (n, c).
        figures: of them.
        setting: of a probe, chosen on a fifth of its training pictures; None for zero-shot.
    """

    probabilities: NDArray[np.float64] = field(repr=False)
    figures: Figures
    setting: float | None = None

    def to_dict(self, method: str) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"method": method, "setting": self.setting, **self.figures.to_dict()}


def compare(
    zero: ZeroShot, measured: Examples, train: Examples | None = None, kinds: Sequence[str] = ()
) -> Mapping[str, Outcome]:
    """Outcomes by method: `zero-shot`, then each kind of probe.

    Args:
        zero: the classifier made of texts; its labels are those of every method.
        measured: labelled pictures to judge on.
        train: labelled pictures that the probes learn from.
        kinds: of probes, `linear` or `knn`.

    Raises:
        UnknownName: a picture's label is not among those of `zero`, or no such probe.
        DataError: too few pictures to learn from.
    """
    names = [label.name for label in zero.labels]
    said: dict[str, tuple[NDArray[np.float64], float | None]] = {ZERO_SHOT: (zero.probabilities(measured.rows), None)}
    if train is not None:
        targets = positions(train.labels, names)
        for kind in kinds:
            probe = probes.learn(kind, train.rows, targets, classes=len(names), contents=train.contents)
            said[kind] = probe.classifier.probabilities(measured.rows), probe.setting
    return {
        method: Outcome(made, judge(made, measured.labels, names, clusters=measured.contents), setting)
        for method, (made, setting) in said.items()
    }


def told(zero: ZeroShot, given: Examples, most: int = 5) -> list[dict[str, Any]]:
    """What zero-shot says of each picture, the `most` probable labels: plain data; `truth` where there is one."""
    shares = zero.probabilities(given.rows)
    best = order(shares)[:, :most]
    return [
        {
            "id": given.ids[row],
            "path": given.paths[row],
            "label": zero.labels[places[0]].name,
            "probability": float(shares[row, places[0]]),
            **({"truth": given.labels[row]} if given.labels[row] else {}),
            "labels": [{"label": zero.labels[at].name, "probability": float(shares[row, at])} for at in places],
        }
        for row, places in enumerate(best.tolist())
    ]
