"""Fit how likely an answer of a search is relevant, on pairs of known truth, and measure it on held-out queries.

Each query is asked twice: as the gallery is, and with everything relevant taken out, where every answer is wrong. The
probabilities therefore know how high the best of many wrong answers can score. Source: logistic calibration with
smoothed targets (Platt 1999, "Probabilistic outputs for support vector machines").
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirante.classification.asking import Answers, Asked, ask
from mirante.classification.platt import fit_curve
from mirante.classification.reliability import Reliability, reliability
from mirante.errors import DataError, UsageError
from mirante.evaluation.intervals import estimate
from mirante.search.calibration import Calibration, Terms, deviations
from mirante.search.manifest import Holds
from mirante.types import Embeddings, Estimate, Pairs, Provenance, Vectors

DEPTH = 10
"""Answers of a query that are fitted and measured."""
LEAST = 40
"""Queries needed; half of them measure."""


@dataclass(frozen=True)
class Settings:
    """How a calibration is fitted.

    Args:
        answerable: share of queries that the gallery is taken to have an answer to.
        false_alarm: share of answerable queries that may be told that nothing matches.
        seed: of the halves that queries are parted into.
    """

    answerable: float = 0.5
    false_alarm: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("answerable", "false_alarm"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name} is a share between 0 and 1, not {getattr(self, name)!r}: give 0.05 for 5 %.")


@dataclass(frozen=True)
class Held:
    """A calibration, and what it did on the half of the queries that it was not fitted on.

    Args:
        calibration: what was fitted.
        queries: number of held-out queries.
        first: reliability of the first answer, half of the time with something relevant in the gallery.
        every: reliability of all ten.
        told_present: share of queries told that nothing matches, when something does.
        told_absent: the same share when nothing does.
    """

    calibration: Calibration
    queries: int
    first: Reliability
    every: Reliability
    told_present: Estimate
    told_absent: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "queries": self.queries,
            "calibration_error": {"first": self.first.error, "every": self.every.error},
            "reliability": [asdict(one) for one in self.first.bins],
            "nothing_matches": {"present": asdict(self.told_present), "absent": asdict(self.told_absent)},
        }


def calibrate(
    images: Embeddings,
    texts: Embeddings,
    pairs: Pairs,
    *,
    holds: Holds = "images",
    settings: Settings = Settings(),
) -> Held:
    """Fit on one half of the queries, measure on the other; queries about one picture stay together.

    Args:
        images: rows of the readable pictures.
        texts: rows of the captions.
        pairs: what is relevant to what; equal captions share what they describe.
        holds: what the galleries hold whose answers are meant; queries are of the other kind.
        settings: how it is fitted.

    Raises:
        DataError: too few queries or candidates.
    """
    asked = ask(images, texts, pairs.sharing_equal_captions(), holds=holds, depth=DEPTH)
    if len(asked.queries) < LEAST or len(asked.documents) <= DEPTH:
        raise DataError(
            f"{pairs.name!r} has {len(asked.queries)} queries and {len(asked.documents)} candidates: at least {LEAST} "
            f"queries and more than {DEPTH} candidates are needed to calibrate. Give more data."
        )
    fit = _half(asked.clusters, settings.seed)
    made = images.provenance
    provenance = replace(made, data="")
    calibration = _fitted(asked.where(fit), settings, Gallery(provenance, holds, pairs.name, asked.documents))
    return measure(calibration, asked.where(~fit))


@dataclass(frozen=True)
class Gallery:
    """What answered: its model, what it holds, the data's name, and its (n, d) unit rows."""

    provenance: Provenance
    holds: Holds
    data: str
    rows: Vectors


def _fitted(asked: Asked, settings: Settings, gallery: Gallery) -> Calibration:
    mean, covariance = gallery.rows.mean(axis=0), np.asarray(np.cov(gallery.rows.T, bias=True), np.float32)
    scores = np.concatenate([asked.present.scores, asked.absent.scores])
    right = np.concatenate([asked.present.right, asked.absent.right])
    standing = deviations(np.concatenate([asked.queries, asked.queries]), scores, mean, covariance)
    shares = np.repeat([settings.answerable, 1 - settings.answerable], len(asked.queries))
    weights = np.where(np.isfinite(scores), shares[:, None], 0)
    curves = []
    for ranks in (slice(0, 1), slice(1, None)):
        there = weights[:, ranks] > 0
        given = (values[:, ranks][there] for values in (scores, standing, weights))
        curves.append(fit_curve(*given, right=right[:, ranks][there]))
    terms = Terms(
        provenance=gallery.provenance,
        holds=gallery.holds,
        data=gallery.data,
        gallery=len(gallery.rows),
        answerable=settings.answerable,
        false_alarm=settings.false_alarm,
        threshold=0.0,
        first=curves[0],
        later=curves[1],
    )
    first = _said(Calibration(terms, mean, covariance), asked, asked.present)[:, 0]
    told = float(np.quantile(first, settings.false_alarm, method="lower"))
    return Calibration(replace(terms, threshold=told), mean, covariance)


def measure(calibration: Calibration, asked: Asked) -> Held:
    """What a calibration does on queries that it was not fitted on."""
    said = np.concatenate([_said(calibration, asked, side) for side in (asked.present, asked.absent)])
    right = np.concatenate([asked.present.right, asked.absent.right])
    there = np.isfinite(np.concatenate([asked.present.scores, asked.absent.scores]))
    half = len(asked.queries)
    nothing = said[:, 0] < calibration.terms.threshold
    told = estimate(
        {"present": nothing[:half].astype(np.float64), "absent": nothing[half:].astype(np.float64)}, asked.clusters
    )
    return Held(
        calibration,
        half,
        first=reliability(said[:, 0], right[:, 0]),
        every=reliability(said[there], right[there]),
        told_present=told["present"],
        told_absent=told["absent"],
    )


def _said(calibration: Calibration, asked: Asked, side: Answers) -> NDArray[np.float64]:
    return calibration.probabilities(asked.queries, side.scores, len(asked.documents))


def _half(clusters: Sequence[str], seed: int) -> NDArray[np.bool_]:
    """(q,) whether a query is of the half that is fitted."""
    names = list(dict.fromkeys(clusters))
    chosen = {names[at] for at in np.random.default_rng(seed).permutation(len(names))[: len(names) // 2]}
    return np.array([one in chosen for one in clusters])
