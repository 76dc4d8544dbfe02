"""Fingerprints of pictures in the cache folder: made once for the same pictures, whoever asks."""

import hashlib
from collections.abc import Sequence

from mirante.diagnosis import Fingerprints, fingerprint
from mirante.errors import StoreError
from mirante.training import cache
from mirante.types import Picture

_FEW = 200
"""Fewer pictures are not worth a file."""


def fingerprints(pictures: Sequence[Picture], label: str = "fingerprints") -> Fingerprints:
    """The fingerprints of `pictures`, 7 KB each, from the cache where they are there.

    Raises:
        StoreError: the disk is full or refuses.
    """
    if len(pictures) < _FEW:
        return fingerprint(pictures, label)
    digest = hashlib.sha256("\n".join(f"{one.id}\t{one.content}" for one in pictures).encode()).hexdigest()
    path = cache.folder() / f"fingerprints-{digest[:24]}.npz"
    if path.is_file():
        try:
            return Fingerprints.open(path)
        except StoreError:
            path.unlink(missing_ok=True)
    made = fingerprint(pictures, label)
    made.save(path)
    return made
