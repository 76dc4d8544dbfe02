"""How likely an answer is relevant, and whether anything in the gallery is: scores turned into probabilities.

A cosine says little by itself: one query is near to everything, another to nothing. The probability is a logistic
function (Platt 1999) of the cosine and of how far it stands out, in standard deviations, among the cosines of this
query with all that the gallery is like (the test normalisation of Auckenthaler et al. 2000). Mean and covariance of
the rows give these exactly, without a look at the gallery: query·μ and √(queryᵀ Σ query). The first answer is the best
of many and the others are not, so each has a function of its own. `mirante.classification.relevance` fits them.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mirante import config
from mirante.disk import disk
from mirante.errors import StoreError, UsageError
from mirante.search.manifest import Holds
from mirante.types import Provenance, Vectors

FILE = "calibration.safetensors"
SCHEMA = 1
_HEADER = "mirante"
_NARROW = 1e-6


@dataclass(frozen=True, slots=True)
class Curve:
    """Log-odds of relevance: intercept + cosine · (slope on the cosine) + deviations · (slope on them)."""

    intercept: float
    cosine: float
    deviations: float

    def odds(self, cosines: NDArray[np.float64], standing: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of answers with these cosines that stand out so far."""
        return self.intercept + self.cosine * cosines + self.deviations * standing


@dataclass(frozen=True, slots=True)
class Terms:
    """What was fitted, on what.

    Args:
        provenance: of the model whose scores are meant.
        holds: what the gallery's rows are of; queries are of the other kind.
        data: address and split of the pairs.
        gallery: rows that each query was compared with.
        answerable: share of queries that the gallery is taken to have an answer to.
        false_alarm: share of answerable queries that may be told that nothing matches.
        threshold: nothing matches where the first answer's probability is below.
        first: curve of the first answer.
        later: curve of the answers after it.
    """

    provenance: Provenance
    holds: Holds
    data: str
    gallery: int
    answerable: float
    false_alarm: float
    threshold: float
    first: Curve
    later: Curve


@dataclass(frozen=True)
class Calibration:
    """Probabilities for the scores of one model in one kind of gallery.

    Args:
        terms: what was fitted, on what.
        mean: (d,) of the rows that the gallery is like.
        covariance: (d, d) of them.
    """

    terms: Terms
    mean: Vectors = field(repr=False)
    covariance: Vectors = field(repr=False)

    def probabilities(self, queries: Vectors, scores: NDArray[np.float64], gallery: int) -> NDArray[np.float64]:
        """Probabilities for the best answers to each query, none larger than the one before it.

        Args:
            queries: (q, d) unit rows.
            scores: (q, k) cosines of the answers, best first; −inf where a query has fewer.
            gallery: number of rows searched: among more rows, a chance answer of this score is likelier.

        Returns:
            (q, k) probabilities.
        """
        there = np.isfinite(scores)
        cosines = np.where(there, scores, 0)
        standing = deviations(queries, cosines, self.mean, self.covariance)
        odds = self.terms.later.odds(cosines, standing)
        odds[:, :1] = self.terms.first.odds(cosines[:, :1], standing[:, :1])
        odds -= np.log(max(gallery, 1) / self.terms.gallery)
        said = np.where(there, 1 / (1 + np.exp(-np.clip(odds, -500, 500))), 0)
        return np.asarray(np.minimum.accumulate(said, axis=1), np.float64)

    def nothing(self, first: float) -> bool:
        """Whether a first answer of this probability means that nothing matches."""
        return first < self.terms.threshold

    def save(self, folder: Path) -> Path:
        """Write it into the folder of a gallery; the file appears whole."""
        target, draft = folder / FILE, folder / f"{FILE}.new"
        header = json.dumps({"schema": SCHEMA, **asdict(self.terms)}, ensure_ascii=False)
        arrays = {"mean": self.mean.astype(np.float32), "covariance": self.covariance.astype(np.float32)}
        with disk(target):
            draft.write_bytes(save(arrays, {_HEADER: header}))
            draft.replace(target)
        return target

    @classmethod
    def load(cls, folder: Path, provenance: Provenance) -> Self | None:
        """The calibration in the folder of a gallery of `provenance`, None where none was fitted.

        Raises:
            StoreError: it was fitted for another model's scores, is damaged, or of another version.
        """
        path = folder / FILE
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="numpy") as file:
                header: dict[str, Any] = json.loads((file.metadata() or {})[_HEADER])
                mean, covariance = file.get_tensor("mean"), file.get_tensor("covariance")
            if (version := header.pop("schema", None)) != SCHEMA:
                raise UsageError(f"it is of version {version!r}, this one reads {SCHEMA}")
            terms = config.build(Terms, header, str(path))
        except (SafetensorError, OSError, KeyError, ValueError, UsageError) as error:
            raise StoreError(
                f"The calibration {str(path)!r} cannot be read ({error}): run `mirante calibrate` again."
            ) from error
        if not terms.provenance.same_space(provenance):
            raise StoreError(
                f"The calibration {str(path)!r} was fitted for {_named(terms.provenance)}, the gallery holds rows of "
                f"{_named(provenance)}: run `mirante calibrate` again, or remove that file."
            )
        return cls(terms, mean, covariance)


def deviations(
    queries: Vectors, scores: NDArray[np.float64], mean: Vectors, covariance: Vectors
) -> NDArray[np.float64]:
    """How many standard deviations scores stand above the mean score of their query.

    Args:
        queries: (q, d) unit rows.
        scores: (q, k) their cosines with the answers.
        mean: (d,) of the rows that could be answers.
        covariance: (d, d) of them.

    Returns:
        (q, k) deviations.
    """
    rows = np.asarray(queries, np.float64)
    usual = rows @ np.asarray(mean, np.float64)
    spread = np.sqrt(np.maximum(np.einsum("qd,qd->q", rows @ np.asarray(covariance, np.float64), rows), _NARROW))
    return np.asarray((scores - usual[:, None]) / spread[:, None], np.float64)


def _named(made: Provenance) -> str:
    return f"{made.model!r} (revision {made.revision}, preprocessing {made.preprocessing})"
