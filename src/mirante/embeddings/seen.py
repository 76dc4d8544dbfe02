"""A set of strings that only remembers enough to tell whether one is new."""

from bisect import bisect_left
from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

RECENT = 4096


class Seen:
    """Strings by 16 bytes of their SHA-256, and no more memory than that: ten million take 160 MB.

    The newest stand in a set; the others in sorted runs, each longer than the one after it.

    Args:
        strings: the first ones.
    """

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self._recent: set[bytes] = set()
        self._runs: list[NDArray[np.bytes_]] = []
        for one in strings:
            self.add(one)

    def __contains__(self, one: str) -> bool:
        return self._holds(_digest(one))

    def add(self, one: str) -> bool:
        """Remember `one`; whether it was new."""
        digest = _digest(one)
        if self._holds(digest):
            return False
        self._recent.add(digest)
        if len(self._recent) == RECENT:
            self._settle()
        return True

    def _holds(self, digest: bytes) -> bool:
        return digest in self._recent or any(_within(run, digest) for run in self._runs)

    def _settle(self) -> None:
        run = np.sort(np.array(list(self._recent), "S16"))
        self._recent = set()
        while self._runs and len(self._runs[-1]) <= len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)


def _within(run: NDArray[np.bytes_], digest: bytes) -> bool:
    at = bisect_left(run, digest)
    return at < len(run) and bytes(run[at]) == digest


def _digest(one: str) -> bytes:
    """16 bytes, less the zeros at their end, which an array of bytes does not keep."""
    return sha256(one.encode("utf-8", "surrogatepass")).digest()[:16].rstrip(b"\0")
