"""Measured pictures that are near copies of training ones: looked for before anything is spent."""

from mirante.datasets import open_dataset
from mirante.diagnosis import Leaks, find_leaks
from mirante.diagnosis.examine import is_distinct
from mirante.errors import DataError, MiranteError
from mirante.training.config import Data
from mirante.training.data import Sets
from mirante.training.prints import fingerprints
from mirante.types import Pairs

SHARE = 0.01
"""Of measured pictures that may be near copies before a run is refused: few change no figure, and a few are chance."""


def near_copies(data: Data, sets: Sets) -> tuple[Leaks, ...]:
    """Near copies of training pictures among those of validation and of what is retained, where there are any.

    Data sets that draw their pictures are not compared with each other, as each picture is drawn anew.

    Raises:
        DataError: more than 1 % of the measured pictures, unless `data.near_copies` allows it.
        StoreError: the fingerprints do not fit into the cache folder.
    """
    measured = (("validation", sets.validation, data.validation), ("retain", sets.retain, data.retain))
    wanted = [(role, pairs) for role, pairs, address in measured if pairs and not _both_drawn(data, address)]
    if data.near_copies == "skip" or not wanted:
        return ()
    known = fingerprints(sets.batches.pictures, f"fingerprints {data.address}")
    found = []
    for role, pairs in wanted:
        asked = fingerprints(pairs.images, f"fingerprints {pairs.name}")
        leaks = find_leaks(known, pairs, asked_prints=asked, name=data.address)
        if data.near_copies != "allow":
            _refuse(role, pairs, leaks)
        if leaks.pairs:
            found.append(leaks)
    return tuple(found)


def _both_drawn(data: Data, measured: str | None) -> bool:
    """Whether both data sets vouch for their pictures; what is held out lies in the training data itself."""
    return all(is_drawn(address) for address in (data.address, measured or data.address))


def is_drawn(address: str) -> bool:
    """Whether the data set at `address` vouches that no picture is a copy of another."""
    try:
        return is_distinct(open_dataset(address))
    except MiranteError:  # its columns have to be named, as those of files may
        return False


def _refuse(role: str, pairs: Pairs, leaks: Leaks) -> None:
    count = len(leaks.images)
    if count <= SHARE * len(pairs.images):
        return
    first = leaks.pairs[0]
    raise DataError(
        f"{count} of the {len(pairs.images)} pictures of {role} = {pairs.name!r} are near copies of training pictures "
        f"(re-encoded, scaled or cropped), first {first.asked!r} of {first.known!r}: what is measured on them says "
        f'little. Name another split, take them out, or set near_copies = "allow" under [data] to measure all the same.'
    )
