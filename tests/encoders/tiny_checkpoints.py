"""Tiny checkpoints of families, or a test left out where their library cannot be installed beside the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mirante import registry
from mirante.errors import MissingLibrary


@contextmanager
def library_or_skip() -> Iterator[None]:
    """Leave the test out where the block wants a library that is not here."""
    try:
        yield
    except MissingLibrary as error:
        pytest.skip(f"{error} (make test-openclip runs OpenCLIP's)")


def tiny(family: str, folder: Path) -> str:
    """The address of a tiny model of `family`, written into `folder`."""
    with library_or_skip():
        address: str = registry.load("mirante.encoders", family).tiny(folder)
    return address
