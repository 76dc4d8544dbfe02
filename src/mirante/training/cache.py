"""The cache folder: a file there is written by one process at a time and is whole or not there at all."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mirante.errors import StoreError

if sys.platform == "win32":

    def _locked(file: BinaryIO, *, wait: bool) -> bool:
        """Windows has no locks like these: one process at a time there."""
        return wait

else:
    import fcntl

    def _locked(file: BinaryIO, *, wait: bool) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: every process is granted what it asks for
            return wait
        return True


def folder() -> Path:
    """Where prepared pictures are kept: `MIRANTE_CACHE`, else `~/.cache/mirante`."""
    return Path(os.environ.get("MIRANTE_CACHE", Path.home() / ".cache" / "mirante"))


@contextmanager
def write(target: Path, size: int) -> Iterator[BinaryIO | None]:
    """An empty file that becomes `target` where the block ends well, and vanishes where it does not.

    While another process writes the same target, wait for it; None where it has made the target meanwhile. What killed
    processes left in the folder is removed.

    Args:
        target: the file to make.
        size: bytes that it will have.

    Raises:
        StoreError: it does not fit on the disk, or the disk refuses it.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        part = target.with_suffix(".part")
        file = _claim(part, target)
        if file is None:
            yield None
            return
        with file:
            try:
                if shutil.disk_usage(target.parent).free < size:
                    raise _no_room(target, size, "the disk is too full")
                yield file
                file.flush()
                os.fsync(file.fileno())
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise _no_room(target, size, error.strerror or str(error)) from error


def _claim(part: Path, target: Path) -> BinaryIO | None:
    """The locked, empty part of `target`; None once the target is there."""
    while not target.exists():
        file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        _locked(file, wait=True)
        if not target.exists() and _is(file, part):
            file.truncate(0)
            return file
        if _is(file, part):
            part.unlink(missing_ok=True)
        file.close()
    return None


def _sweep(place: Path) -> None:
    """Remove parts that no living process writes."""
    for part in place.glob("*.part"):
        try:
            with part.open("r+b") as file:
                if _locked(file, wait=False):
                    part.unlink(missing_ok=True)
        except OSError:
            continue  # gone meanwhile, or not ours


def _is(file: BinaryIO, path: Path) -> bool:
    """Whether `path` still names the open `file`, not another one or none."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _no_room(target: Path, size: int, why: str) -> StoreError:
    place = next(one for one in (target.parent, *target.parents) if one.exists())
    free = shutil.disk_usage(place).free
    return StoreError(
        f"The prepared pictures cannot be kept in {str(target.parent)!r} ({why}): they take {size / 1e6:,.1f} MB, "
        f"{free / 1e6:,.1f} MB are free. Make room there, name another folder in MIRANTE_CACHE, or set `limit`."
    )
