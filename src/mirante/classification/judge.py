"""Measure a classifier on labelled pictures: accuracies, confusions, calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirante.classification.reliability import Reliability, reliability
from mirante.classification.shares import share
from mirante.classification.zeroshot import order
from mirante.errors import UnknownName
from mirante.evaluation.intervals import estimate
from mirante.types import Estimate

FEW = 5
"""Of more labels than this, the five most probable are judged too."""


@dataclass(frozen=True)
class Figures:
    """What a classifier got right.

    Args:
        metrics: `top1`, `top5` where there are more than five labels, with intervals clustered by picture;
            `mean_class_accuracy` and `calibration_error` without.
        classes: label → pictures of it, and the share that was named so.
        confusion: (c, c) pictures of each label (row) that were given each label (column).
        reliability: of the most probable label.
    """

    labels: tuple[str, ...]
    metrics: Mapping[str, Estimate]
    classes: Mapping[str, tuple[int, Estimate]]
    confusion: NDArray[np.int64]
    reliability: Reliability

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "metrics": {name: asdict(one) for name, one in self.metrics.items()},
            "classes": [
                {"label": name, "pictures": count, "accuracy": asdict(right)}
                for name, (count, right) in self.classes.items()
            ],
            "confusion": {"labels": list(self.labels), "counts": self.confusion.tolist()},
            "reliability": [asdict(one) for one in self.reliability.bins],
        }

    def confusions(self, most: int = 10) -> list[tuple[str, str, int]]:
        """The most frequent errors: (label, label given, pictures)."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        found = [(self.labels[at], self.labels[said], int(wrong[at, said])) for at, said in np.argwhere(wrong).tolist()]
        return sorted(found, key=lambda one: -one[2])[:most]


def judge(
    probabilities: NDArray[np.float64], truth: Sequence[str], labels: Sequence[str], *, clusters: Sequence[str]
) -> Figures:
    """Compare probabilities with the truth.

    Args:
        probabilities: (n, c), each row adds up to 1.
        truth: n names of labels.
        labels: c names, in the order of the columns.
        clusters: n names; pictures of one name are drawn together for the intervals.

    Raises:
        UnknownName: a true label is not among the labels.
        UsageError: no picture.
    """
    targets = positions(truth, labels)
    ranked = order(probabilities)
    hits = ranked == targets[:, None]
    values = {"top1": hits[:, 0].astype(np.float64)}
    if len(labels) > FEW:
        values["top5"] = hits[:, :FEW].any(axis=1).astype(np.float64)
    metrics = estimate(values, clusters)
    counts = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(counts, (targets, ranked[:, 0]), 1)
    classes = {
        name: (int(row.sum()), share(int(row[at]), int(row.sum())))
        for at, (name, row) in enumerate(zip(labels, counts, strict=True))
        if row.sum()
    }
    calibrated = reliability(probabilities.max(axis=1), hits[:, 0])
    metrics["mean_class_accuracy"] = _alone(float(np.mean([right.value for _, right in classes.values()])))
    metrics["calibration_error"] = _alone(calibrated.error)
    return Figures(tuple(labels), metrics, classes, counts, calibrated)


def positions(truth: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Places of n names among `labels`, (n,).

    Raises:
        UnknownName: a name is not among them.
    """
    place = {name: at for at, name in enumerate(labels)}
    missing = next((name for name in truth if name not in place), None)
    if missing is not None:
        raise UnknownName("label", missing, labels)
    return np.array([place[name] for name in truth], np.int64)


def _alone(value: float) -> Estimate:
    return Estimate(value, value, value)
