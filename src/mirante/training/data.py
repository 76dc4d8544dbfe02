"""The data of a run: batches to learn from, pairs to validate on, pairs that must not be forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mirante.batch import Batches
from mirante.datasets import ReadOptions, open_dataset, read_pairs, split_of, whole
from mirante.errors import UsageError
from mirante.training.batches import PairBatches
from mirante.training.config import Data, TrainConfig
from mirante.types import Pairs

_TOKENIZER_ITEMS = 3000


@dataclass(frozen=True)
class Sets:
    """What is learnt, what is validated on (or None), what is retained (or None)."""

    batches: Batches
    validation: Pairs | None
    retain: Pairs | None


def open_sets(data: Data) -> Sets:
    """Open everything that `data` names.

    Raises:
        UsageError: partial captions of a data set that cannot make them.
        DataError: there is nothing to learn from.
    """
    return Sets(_batches(data), _pairs(data.validation, data.language), _pairs(data.retain, data.retain_language))


def words(config: TrainConfig) -> Iterator[str]:
    """Captions of the training data for the tokenizer of a new model, image by image; none for a given model."""
    if config.model.new is None:
        return
    dataset = open_dataset(config.data.address)
    items = [dataset.items(dataset.splits[0], language) for language in config.model.new.tokenizer_languages]
    for together in islice(zip(*items, strict=True), _TOKENIZER_ITEMS):
        yield from (caption.text for item in together for caption in item.captions)


def _batches(data: Data) -> Batches:
    dataset = open_dataset(data.address, ReadOptions(language=data.language))
    if data.captions == "given":
        pairs = read_pairs(dataset, language=data.language, limit=data.limit)
        return PairBatches(pairs.sharing_equal_captions())
    make = getattr(whole(dataset), "batches", None)
    if make is None:
        raise UsageError(f'{data.address!r} cannot make partial captions: use captions = "given".')
    asked = {"partials": data.partials, "partners": data.partners, "false_captions": data.false_captions}
    made: Batches = make(split_of(data.address)[1][0], data.language, **asked)
    return made


def _pairs(address: str | None, language: str | None) -> Pairs | None:
    if address is None:
        return None
    return read_pairs(open_dataset(address, ReadOptions(language=language)), language=language)
