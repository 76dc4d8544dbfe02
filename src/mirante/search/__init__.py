"""Galleries that can be searched with texts, pictures and sums of them."""

from mirante.search.catalogue import Entry
from mirante.search.gallery import Gallery, Hit
from mirante.search.query import compose, parse_terms, search

__all__ = ["Entry", "Gallery", "Hit", "compose", "parse_terms", "search"]
