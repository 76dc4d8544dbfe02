"""The data of a run: batches to learn from, pairs to validate on, pairs that must not be forgotten."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np

from mirante.batch import Batches
from mirante.captioning.references import longest
from mirante.datasets import ReadOptions, open_dataset, read_pairs, split_at_random, split_of, whole
from mirante.errors import DataError, UsageError
from mirante.pixels import REASONS
from mirante.training.batches import PairBatches
from mirante.training.config import Data, TrainConfig
from mirante.types import Dataset, Item, Pairs, Picture

_TOKENIZER_ITEMS = 3000
_SHARE_SEED = (42, 1)
"""Not the seed of what is held out, so that the two draws are independent."""
_REMEDIES = {
    "validation": "or leave it out and set hold_out = 0.1",
    "retain": "of pictures that are not learnt from",
}


@dataclass(frozen=True)
class Sets:
    """What is learnt, what is validated on (or None), what is retained (or None)."""

    batches: Batches
    validation: Pairs | None
    retain: Pairs | None


def open_sets(data: Data) -> Sets:
    """Open everything that `data` names; no picture of one set is in another.

    Raises:
        UsageError: a split, column or language is not there; settings that exclude each other.
        DataError: there is nothing to learn from or to measure, or a training picture is measured too.
    """
    if data.limit is not None and data.limit < 1:
        raise UsageError(f"limit must be at least 1, not {data.limit}: leave it out to use all.")
    if data.share is not None and not 0 < data.share <= 1:
        raise UsageError(f"share must be more than 0 and at most 1, not {data.share:g}: give 0.05 for 5 %.")
    batches, held = (_partial(data), None) if data.captions == "partial" else _given(data)
    validation = _measured(data.validation, data.language, _options(data)) if data.validation else held
    same = data.retain and split_of(data.retain)[0] == split_of(data.address)[0]
    columns = _options(data) if same else ReadOptions()
    retain = _measured(data.retain, data.retain_language, columns) if data.retain else None
    if data.captions == "longest":
        validation, retain = (longest(one) if one else None for one in (validation, retain))
    for role, pairs in (("validation", validation), ("retain", retain)):
        if pairs:
            _keep_apart(batches.pictures, pairs, role)
    return Sets(batches, validation, retain)


def words(config: TrainConfig) -> Iterator[str]:
    """Captions of the training data for the tokenizer of a new model, image by image; none for a given model."""
    if config.model.new is None and not (config.caption and config.caption.decoder):
        return
    data, new = config.data, config.model.new
    dataset = open_dataset(data.address, _options(data))
    split, languages = dataset.splits[0], new.tokenizer_languages if new else (data.language,)
    items: list[Iterator[Item]] = [islice(dataset.items(split, language), data.limit) for language in languages]
    if data.hold_out:
        items = [iter(split_at_random(some, data.hold_out)[0]) for some in items]
    for together in islice(zip(*items, strict=True), _TOKENIZER_ITEMS):
        yield from (caption.text for item in together for caption in item.captions)


def _given(data: Data) -> tuple[Batches, Pairs | None]:
    """Batches of the training pictures, and the pairs of those held out."""
    dataset = open_dataset(data.address, _options(data))
    pairs, held = read_pairs(dataset, language=data.language, limit=data.limit), None
    if not pairs.captions:
        raise _nothing(pairs, data.address, data.language)
    if data.hold_out:
        rest, out = split_at_random(_items(dataset, data), data.hold_out)
        pairs, held = _part(pairs, rest), _part(pairs, out, f" (held out {data.hold_out:g})")
        if not held.captions:
            raise _nothing(held, held.name, data.language)
    if data.share is not None:
        pairs = _share(pairs, data.share)
    if data.captions == "longest":
        pairs = longest(pairs)
    return PairBatches(pairs.sharing_equal_captions()), held


def _partial(data: Data) -> Batches:
    dataset = open_dataset(data.address, _options(data))
    make = getattr(whole(dataset), "batches", None)
    if make is None:
        raise UsageError(f'{data.address!r} cannot make partial captions: use captions = "given".')
    for name in ("hold_out", "limit", "share"):
        if getattr(data, name):
            raise UsageError(
                f'{name} = {getattr(data, name)} needs captions = "given", not "partial": name a split and its size '
                "instead, such as scenes:train-4000."
            )
    asked = {"partials": data.partials, "partners": data.partners, "false_captions": data.false_captions}
    made: Batches = make(dataset.splits[0], data.language, **asked)
    return made


def _share(pairs: Pairs, share: float) -> Pairs:
    """A share of the captioned pictures of `pairs`, with their captions; the first ones of a fixed permutation."""
    described = frozenset().union(*pairs.relevance.values())
    ids = [image.id for image in pairs.images if image.id in described]
    order = np.random.default_rng(_SHARE_SEED).permutation(len(ids)).tolist()
    return pairs.without_images(ids[place] for place in order[math.ceil(share * len(ids)) :])


def _measured(address: str, language: str | None, options: ReadOptions) -> Pairs:
    dataset = open_dataset(address, replace(options, language=language))
    pairs = read_pairs(dataset, language=language)
    if not pairs.captions:
        raise _nothing(pairs, address, language)
    return pairs


def _options(data: Data) -> ReadOptions:
    return ReadOptions(image_column=data.image_column, text_column=data.text_column, language=data.language)


def _items(dataset: Dataset, data: Data) -> Iterator[Item]:
    splits = (dataset.items(split, data.language) for split in dataset.splits)
    return islice(chain.from_iterable(splits), data.limit)


def _part(pairs: Pairs, items: Sequence[Item], suffix: str = "") -> Pairs:
    """The pictures and captions of `items` alone, with the relevance that `pairs` knows."""
    pictures = {item.picture.id for item in items}
    captions = {caption.id for item in items for caption in item.captions}
    told = tuple(caption for caption in pairs.captions if caption.id in captions)
    return Pairs(
        tuple(image for image in pairs.images if image.id in pictures),
        told,
        {caption.id: pairs.relevance[caption.id] & pictures for caption in told},
        pairs.name + suffix,
        {image: stands for image, stands in pairs.merged.items() if stands in pictures},
    )


def _keep_apart(training: Collection[Picture], measured: Pairs, role: str) -> None:
    """Refuse a picture of both sides; ones already known as unreadable equal none."""
    known = {one.content for one in training if one.content.partition(":")[0] not in REASONS}
    both = [image.id for image in measured.images if image.content in known]
    if not both:
        return
    raise DataError(
        f"{len(both)} of the {len(measured.images)} pictures of {role} = {measured.name!r} are training pictures too, "
        f"first {both[0]!r}: what is measured on them says nothing. Name another split, {_REMEDIES[role]}."
    )


def _nothing(pairs: Pairs, address: str, language: str | None) -> DataError:
    if not pairs.images:
        return DataError(f"{address!r} has no picture: `mirante inspect` lists its splits and their sizes.")
    wanted = f" in {language!r}" if language else ""
    return DataError(
        f"None of the {len(pairs.images)} pictures of {address!r} has a caption{wanted}: `mirante inspect` lists its "
        "columns and languages."
    )
