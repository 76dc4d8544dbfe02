"""Galleries that can be searched with texts, pictures and sums of them."""

from mirante.search.calibration import Calibration
from mirante.search.catalogue import Entry
from mirante.search.gallery import Gallery, Hit
from mirante.search.query import compose, compose_each, nothing_matches, parse_terms, search, search_each, search_vector

__all__ = [
    "Calibration",
    "Entry",
    "Gallery",
    "Hit",
    "compose",
    "compose_each",
    "nothing_matches",
    "parse_terms",
    "search",
    "search_each",
    "search_vector",
]
