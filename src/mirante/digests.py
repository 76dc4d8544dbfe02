"""Fingerprints: what stands for a text or for plain data where the whole is too long to keep or to compare."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any


def short(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a text in UTF-8; lone surrogates are taken as they are."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def of(content: Mapping[str, Any]) -> str:
    """`short` of plain data as JSON, whatever the order of its keys; what JSON does not know counts by its text.

    Example:
        >>> of({"a": 1, "b": 2}) == of({"b": 2, "a": 1})
        True
    """
    return short(json.dumps(content, sort_keys=True, default=str))
