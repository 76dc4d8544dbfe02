"""A folder that changes all at once: each state is a generation, and one small file names the one that holds.

A change writes a whole new sub-folder, makes it durable, then replaces `index.json`, which names it, in one step. A
process killed at any moment leaves the old state or the new one; what it left half-written is removed by the next
change. Files of a generation never change, so that readers may map them, and unchanged ones are linked, not copied.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from mirante.errors import StoreError

INDEX = "index.json"
_PREFIX = "generation-"


def read(folder: Path) -> dict[str, Any]:
    """What `index.json` says.

    Raises:
        StoreError: there is no index in `folder`, or the file is damaged.
    """
    try:
        document = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(
            f"{str(folder)!r} holds no index ({INDEX} is missing): check the path, or make one with `mirante index`."
        ) from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{str(folder / INDEX)!r} cannot be read ({error}): index the data again.") from error
    if not isinstance(document, dict) or not str(document.get("generation", "")).startswith(_PREFIX):
        raise StoreError(f"{str(folder / INDEX)!r} is not the description of an index: index the data again.")
    return document


def commit(folder: Path, expected: str | None, fill: Callable[[Path], Mapping[str, Any]]) -> None:
    """Put a new state in the place of the one that holds.

    Args:
        folder: the index folder; made if it does not exist.
        expected: the generation that the change starts from, None to replace whatever is there.
        fill: writes the files of the new generation into an empty folder and returns the rest of `index.json`.

    Raises:
        StoreError: another process changed the index since `expected`, or the disk cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            if expected is not None and (found := read(folder)["generation"]) != expected:
                raise StoreError(
                    f"{str(folder)!r} was changed by another process ({found} is newer than {expected}): "
                    "open it again and repeat the change."
                )
            _replace(folder, fill)
    except OSError as error:
        raise StoreError(
            f"The index {str(folder)!r} cannot be written ({error.strerror or error}): it stays as it was. "
            "Check space and permissions."
        ) from error


def _replace(folder: Path, fill: Callable[[Path], Mapping[str, Any]]) -> None:
    new = folder / f"{_PREFIX}{uuid4().hex[:12]}"
    try:
        new.mkdir()
        document = {**fill(new), "generation": new.name}
        for file in sorted(new.iterdir()):
            sync(file)
        sync(new)
        draft = folder / f"{INDEX}.new"
        draft.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        sync(draft)
        draft.replace(folder / INDEX)
    except BaseException:
        if not _holds(folder, new.name):
            shutil.rmtree(new, ignore_errors=True)
        raise
    sync(folder)
    for old in folder.glob(f"{_PREFIX}*"):
        if old != new:
            shutil.rmtree(old, ignore_errors=True)


def _holds(folder: Path, generation: str) -> bool:
    return (folder / INDEX).exists() and read(folder)["generation"] == generation


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if sys.platform == "win32" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One writer at a time; the system lets go of a killed one's lock."""
    with (folder / ".lock").open("a") as handle:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
