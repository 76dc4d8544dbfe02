"""The disk: its refusals told in one way, and its word that a folder is written."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mirante.errors import StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn the disk's refusals within this block into one clear error about `path`.

    Raises:
        StoreError: in place of any OSError, and of what safetensors makes of one.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__name__ != "SafetensorError":
            raise
        if getattr(error, "errno", None) in _FULL or any(f"os error {code}" in str(error) for code in _FULL):
            raise StoreError(
                f"The disk is full: {str(path)!r} could not be written. Everything written before it is whole: "
                f"free some space and run the same command again."
            ) from error
        raise StoreError(
            f"{str(path)!r} cannot be used: {getattr(error, 'strerror', None) or error}. "
            "Check the folder's path and permissions."
        ) from error


def settle(folder: Path) -> None:
    """Wait until the files of `folder` are on the disk, so that a rename of it outlives a power cut."""
    if sys.platform == "win32":
        return
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
