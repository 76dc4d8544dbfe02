"""Queries become one vector: a weighted sum of texts and pictures, as ALIGN (Jia et al. 2021, §5.4) composes them."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from mirante.errors import UsageError
from mirante.search.gallery import Gallery, Hit, require_same_space
from mirante.types import Encoder, Query, Term, Vectors

_WEIGHTED = re.compile(r"(?P<text>.*\S)\s*\^(?P<weight>\d+(?:\.\d+)?)\s*", re.DOTALL)
_NOTHING = 1e-4
"""A sum this short, for weights that add up to 1, has cancelled out: what is left is rounding."""


def parse_terms(
    text: str | None = None,
    images: Sequence[Image] = (),
    *,
    plus: Sequence[str] = (),
    minus: Sequence[str] = (),
) -> tuple[Term, ...]:
    """Terms of a query from what a person gives: `text`, `images` and `plus` count +1, `minus` −1.

    A text may end in its weight: `"at night^0.5"`.

    Raises:
        UsageError: nothing is given, or a text is blank.

    Example:
        >>> parse_terms("a dog", minus=["grass^0.5"])
        (Term(weight=1.0, text='a dog'), Term(weight=-0.5, text='grass'))
    """
    texts = [(1.0, one) for one in (*(() if text is None else (text,)), *plus)] + [(-1.0, one) for one in minus]
    terms = [_weighted(sign, one) for sign, one in texts]
    terms[len(terms) - len(minus) : len(terms) - len(minus)] = [Term(1.0, image=image) for image in images]
    if not terms:
        raise UsageError("The query is empty: give a text, an image, or both.")
    return tuple(terms)


def compose(query: Query, encoder: Encoder) -> Vectors:
    """The query's direction: the weighted sum of the unit rows of its terms, brought back to length 1.

    Returns:
        (d,) float32 of length 1.

    Raises:
        UsageError: no terms, a term that is not one text or one image, a weight that is not finite, or a sum of zero.
    """
    composed: Vectors = compose_each((query,), encoder)[0]
    return composed


def compose_each(queries: Sequence[Query], encoder: Encoder) -> Vectors:
    """(q, d) directions of q queries, each as `compose` gives it; one call of the model for all texts, one for images.

    Raises:
        UsageError: see `compose`; for any of the queries.
    """
    for query in queries:
        _check(query)
    terms = [term for query in queries for term in query.terms]
    rows = np.zeros((len(terms), encoder.dim), np.float64)
    texts = [(at, term.text) for at, term in enumerate(terms) if term.text is not None]
    images = [(at, term.image) for at, term in enumerate(terms) if term.image is not None]
    if texts:
        rows[[at for at, _ in texts]] = encoder.encode_texts([text for _, text in texts])
    if images:
        rows[[at for at, _ in images]] = encoder.encode_images([image for _, image in images])
    ends = np.cumsum([len(query.terms) for query in queries])[:-1]
    return np.stack([_sum(query, own) for query, own in zip(queries, np.split(rows, ends), strict=True)])


def search(gallery: Gallery, encoder: Encoder, query: Query, k: int = 10) -> list[Hit]:
    """The k best entries of `gallery` for `query`, which may look for images or texts with images or texts.

    A picture that is itself in the gallery is found like any other. Where the gallery is calibrated, hits of a query
    of the kind that was calibrated carry their relevance: one text that looks for pictures, or one picture for texts.

    Raises:
        ModelMismatch: the gallery's rows were made by another model than `encoder`; nothing is encoded then.
        UnknownName: the query filters on a field that no entry has.
        UsageError: the query has no direction, or k is below 1.
        StoreError: the gallery's calibration was fitted for another model.
    """
    require_same_space(gallery.provenance, encoder.provenance)
    return search_vector(gallery, compose(query, encoder), query, k)


def search_vector(gallery: Gallery, vector: Vectors, query: Query, k: int = 10) -> list[Hit]:
    """What `search` finds, where the query is composed already, as with those of others in one call of the model.

    Args:
        gallery: made by the model that made the vector.
        vector: (d,) the query's direction, of length 1.
        query: it; says what is filtered and whether relevance is told.
        k: at most how many.

    Raises:
        UnknownName: the query filters on a field that no entry has.
        UsageError: k is below 1.
        StoreError: the gallery's calibration was fitted for another model.
    """
    return search_each(gallery, vector[np.newaxis], (query,), k)[0]


def search_each(gallery: Gallery, vectors: Vectors, queries: Sequence[Query], k: int = 10) -> list[list[Hit]]:
    """What `search_vector` finds for each of q (q, d) rows; queries of one filter share one call of the index.

    Raises:
        UnknownName, UsageError, StoreError: see `search_vector`; for any of the queries.
    """
    filters = [tuple(sorted(query.where.items())) for query in queries]
    found: list[list[Hit]] = [[] for _ in queries]
    for wanted in dict.fromkeys(filters):
        rows = [at for at, one in enumerate(filters) if one == wanted]
        for at, hits in zip(rows, gallery.search_each(vectors[rows], k, dict(wanted)), strict=True):
            found[at] = _related(gallery, vectors[at], queries[at], hits)
    return found


def nothing_matches(gallery: Gallery, hits: Sequence[Hit]) -> bool | None:
    """Whether even the best of the hits is improbable; None where they are not calibrated.

    Args:
        gallery: that was searched.
        hits: what `search` found, best first.
    """
    if not hits or hits[0].relevance is None or gallery.calibration is None:
        return None
    return gallery.calibration.nothing(hits[0].relevance)


def _related(gallery: Gallery, vector: Vectors, query: Query, hits: list[Hit]) -> list[Hit]:
    """The hits with their relevance, where the gallery is calibrated for such queries."""
    calibration = gallery.calibration if _is_calibrated(query, gallery) else None
    if calibration is None or not hits:
        return hits
    scores = np.array([[hit.score for hit in hits]], np.float64)
    said = calibration.probabilities(vector[np.newaxis], scores, len(gallery))[0].tolist()
    return [replace(hit, relevance=one) for hit, one in zip(hits, said, strict=True)]


def _sum(query: Query, rows: NDArray[np.float64]) -> Vectors:
    """(terms, d) rows → (d,), of length 1."""
    weights = np.array([term.weight for term in query.terms], np.float64)
    total = weights @ rows
    length = float(np.linalg.norm(total))
    if not length > _NOTHING * np.abs(weights).sum():
        raise UsageError(
            f"The {len(query.terms)} terms of the query cancel out (their sum has length {length:.2g}): "
            "change a term or its weight."
        )
    return np.asarray(total / length, np.float32)


def _is_calibrated(query: Query, gallery: Gallery) -> bool:
    """Whether a query is of the kind that calibrations are fitted on; sums and likenesses score otherwise."""
    if len(query.terms) != 1 or query.terms[0].weight <= 0:
        return False
    return (query.terms[0].text is not None) == (gallery.holds == "images")


def _weighted(sign: float, text: str) -> Term:
    match = _WEIGHTED.fullmatch(text)
    words, weight = (match["text"], float(match["weight"])) if match else (text, 1.0)
    if not words.strip():
        raise UsageError(f"A text of the query is blank ({text!r}): write what to look for.")
    return Term(sign * weight, text=words)


def _check(query: Query) -> None:
    if not query.terms:
        raise UsageError("The query is empty: give a text, an image, or both.")
    for term in query.terms:
        if (term.text is None) == (term.image is None):
            raise UsageError(f"Each term of a query is one text or one image, not both or neither: mend {term!r}.")
        if not math.isfinite(term.weight):
            raise UsageError(f"The weight of a term must be a finite number, not {term.weight}: mend {term!r}.")
