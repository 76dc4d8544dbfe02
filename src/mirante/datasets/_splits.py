"""Names of splits: in an address, in file and folder names, and checked when asked for."""

import re
from collections.abc import Collection
from pathlib import Path

from mirante.datasets._files import exists
from mirante.errors import UnknownName

WHOLE = "all"
"""The split of data that has none."""

_NAMES = ("train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval", "restval")
_ORDER = {name: place for place, name in enumerate(_NAMES)}
_IN_NAME = re.compile(rf"(?:^|[-_.])({'|'.join(sorted(_NAMES, key=len, reverse=True))})(?=$|[-_.\d])", re.IGNORECASE)
_SUFFIX = re.compile(r"[\w.+-]+(,[\w.+-]+)*\Z")
_SCHEMES = ("hf",)


def split_of(address: str) -> tuple[str, tuple[str, ...]]:
    """Part an address from its splits.

    >>> split_of("hf:owner/name:train,test")
    ('hf:owner/name', ('train', 'test'))
    >>> split_of("hf:owner/name")
    ('hf:owner/name', ())
    """
    base, colon, suffix = address.rpartition(":")
    if not colon or not base or base in _SCHEMES or not _SUFFIX.match(suffix) or exists(address):
        return address, ()
    return base, tuple(dict.fromkeys(suffix.split(",")))


def is_split(name: str) -> bool:
    """Whether a folder of this name holds a split."""
    return name.lower() in _ORDER


def split_in(name: str) -> str:
    """The split that a file name such as `test-00000-of-00001.parquet` speaks of, else `all`."""
    found = _IN_NAME.search(Path(name).name)
    return found.group(1).lower() if found else WHOLE


def ordered(splits: Collection[str]) -> tuple[str, ...]:
    """Splits in their usual order, others after them by name."""
    return tuple(sorted(set(splits), key=lambda one: (_ORDER.get(one.lower(), len(_ORDER)), one)))


def check(split: str, splits: Collection[str]) -> None:
    """Refuse a split that is not there.

    Raises:
        UnknownName: with the valid ones.
    """
    if split not in splits:
        raise UnknownName("split", split, splits)
