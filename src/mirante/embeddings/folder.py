"""A folder that several processes fill at once and that survives the death of any of them.

A file is whole or absent: it is written under a temporary name, synced to the disk and renamed. A claim on a name is
a byte of the file `.lock` held with POSIX record locks, so that the kernel gives it back when its holder dies,
however it dies: there are no stale claims to recognise.
"""

import errno
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock, get_ident
from types import TracebackType
from typing import Self

from mirante.disk import disk

PAUSE = 0.05
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

_held: set[tuple[Path, str]] = set()
_guard = Lock()

if sys.platform == "win32":

    def _lock(lock: int, at: int) -> None:
        """Windows has no record locks like these: one worker per folder there."""

    def _unlock(lock: int, at: int) -> None:
        """Nothing to give back."""

else:
    import fcntl

    def _lock(lock: int, at: int) -> None:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)

    def _unlock(lock: int, at: int) -> None:
        fcntl.lockf(lock, fcntl.LOCK_UN, 1, at)


class Folder:
    """Whole files and claims in one folder, made where it is missing. Use it as a context manager.

    Claims hold between processes and between threads. On a file system without locks every process is granted what it
    claims: two workers may then encode the same shard, to the same bytes.

    Args:
        path: the folder.

    Raises:
        StoreError: it cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mine: set[str] = set()
        with disk(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
        self._sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give every claim back."""
        for name in tuple(self._mine):
            self.release(name)
        os.close(self._lock)

    def has(self, name: str) -> bool:
        """Whether the file `name` is there, whole."""
        return (self.path / name).exists()

    def claim(self, name: str) -> bool:
        """Take `name` unless somebody holds it."""
        with _guard:
            if (self.path.absolute(), name) in _held:
                return False
            try:
                _lock(self._lock, _byte(name))
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    return False
            _held.add((self.path.absolute(), name))
            self._mine.add(name)
            return True

    def release(self, name: str) -> None:
        """Give `name` back."""
        with _guard, suppress(OSError):
            _held.discard((self.path.absolute(), name))
            self._mine.discard(name)
            _unlock(self._lock, _byte(name))

    @contextmanager
    def claimed(self, name: str) -> Iterator[None]:
        """Hold `name` within this block, waiting for it as long as somebody alive holds it."""
        while not self.claim(name):
            time.sleep(PAUSE)
        try:
            yield
        finally:
            self.release(name)

    def wait(self, name: str) -> None:
        """Return when `name` is there, or nobody is at work on it."""
        while not self.has(name):
            if self.claim(name):
                self.release(name)
                return
            time.sleep(PAUSE)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Put the file `name` there, whole, in place of an earlier one.

        Raises:
            StoreError: the disk is full or refuses; nothing is left half-written.
        """
        temporary = self.path / f"{name}.{os.getpid()}-{get_ident()}.tmp"
        with disk(self.path / name):
            try:
                with temporary.open("wb") as file:
                    file.writelines(chunks)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self.path / name)
                self._sync()
            finally:
                temporary.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Take the file `name` away, if it is there."""
        with disk(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def _sync(self) -> None:
        if sys.platform == "win32":
            return
        here = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(here)
        finally:
            os.close(here)

    def _sweep(self) -> None:
        for temporary in self.path.glob("*.tmp"):
            name = temporary.name.rsplit(".", 2)[0]
            if self.claim(name):
                self.remove(temporary.name)
                self.release(name)


def _byte(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:7])
