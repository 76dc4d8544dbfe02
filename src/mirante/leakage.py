"""Look for what models learnt from among what is measured, before anything is embedded."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mirante.datasets import open_dataset, read_pairs, whole
from mirante.diagnosis import Leaks, find_leaks
from mirante.diagnosis.examine import is_distinct
from mirante.diagnosis.saved import Look, save_pictures
from mirante.sources import Collection, Source
from mirante.training.origin import Origin, learnt_from
from mirante.training.prints import fingerprints

TRAIN = "train"


def look_for_leaks(
    collections: Sequence[Collection], models: Mapping[str, str], trained_on: Sequence[Source], out: Path
) -> tuple[Look, ...]:
    """Compare every collection with everything that the models are known to have learnt from.

    Args:
        collections: what is measured.
        models: address → name in the results; those that are checkpoints of `mirante train` say what they learnt from.
        trained_on: data that all models learnt from, as the user says; of one without a named split, `train`.
        out: keeps small pictures of what is found.

    Raises:
        UsageError: such data cannot be opened.
        StoreError: the disk is full or refuses.
    """
    told = [((*dict.fromkeys(models.values()),), _origin(source)) for source in trained_on]
    recorded = [((name,), origin) for address, name in models.items() if (origin := learnt_from(address))]
    return tuple(_look(names, origin, one, out) for names, origin in [*told, *recorded] for one in collections)


def _origin(source: Source) -> Origin:
    dataset = open_dataset(source.address, source.reading)
    open_ended = dataset is whole(dataset) and TRAIN in dataset.splits
    pairs = read_pairs(dataset, splits=(TRAIN,) if open_ended else None)
    return Origin(pairs.name, pairs.images, is_distinct(dataset))


def _look(names: tuple[str, ...], origin: Origin, one: Collection, out: Path) -> Look:
    asked = one.protocol.choose(one.pairs)
    if origin.problem:
        nothing = Leaks(origin.name, asked.name, (), len(asked.images), len(asked.captions), frozenset(), near=False)
        return Look(names, nothing, origin.problem)
    near = not (origin.distinct and is_distinct(open_dataset(one.source.address, one.source.reading)))
    leaks = find_leaks(
        fingerprints(origin.pictures, f"fingerprints {origin.name}") if near else origin.pictures,
        asked,
        asked_prints=fingerprints(asked.images, f"fingerprints {asked.name}") if near else None,
        near=near,
        name=origin.name,
    )
    save_pictures(out, leaks, origin.pictures, asked.images)
    return Look(names, leaks)
