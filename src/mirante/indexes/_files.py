"""Files of an index: written once, mapped, and shared by the generations that need them."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirante.errors import StoreError


def mapped(file: Path) -> NDArray[Any]:
    """An array on disk, mapped.

    Raises:
        StoreError: it is missing or cut short.
    """
    try:
        return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"The index file {str(file)!r} cannot be read ({error}): index the data again.") from error


def link(source: Path, target: Path) -> None:
    """Give a file that is never changed in place a second name, or copy it where the disk has no links.

    Raises:
        StoreError: the source is gone.
    """
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            raise StoreError(
                f"{str(source)!r} is gone ({error.strerror}), it was saved anew by others: open the index again."
            ) from error
