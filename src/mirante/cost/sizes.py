"""How much data a run learns from and measures on, without downloading any of it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain, islice
from typing import Any

from mirante.cost.answer import DataSize, Origin
from mirante.datasets import ReadOptions, open_dataset, split_of, whole
from mirante.errors import MiranteError
from mirante.training.config import Data
from mirante.types import Dataset

HUB = "hf:"
_SAMPLE = 500
"""Rows that are read of a data set that is larger and knows how large."""


@dataclass(frozen=True)
class Sizes:
    """Of a run.

    Args:
        learnt: what it learns from, without what is held out.
        measured: pictures and captions of the validation and the retained data together, each measured once.
    """

    learnt: DataSize
    measured: tuple[int, int]


def sizes(data: Data) -> Sizes:
    """Of everything that `data` names: read where it lies here, else known, else as `data.limit` says."""
    found = look(data.address, _options(data), data.language, limit=data.limit)
    pictures = found.pictures
    held = (0, 0)
    if pictures is not None and data.hold_out:
        out = round(pictures * data.hold_out)
        held = (out, round(_per_picture(found) * out))
        pictures -= out
    if pictures is not None and data.share:
        pictures = max(1, round(pictures * data.share))
    captions = None if found.captions is None or pictures is None else round(_per_picture(found) * pictures)
    learnt = DataSize(pictures, captions, found.download, found.origin)
    measured = [_measured(data.validation, data.language, data)] if data.validation else [held]
    if data.retain:
        measured.append(_measured(data.retain, data.retain_language, data))
    return Sizes(learnt, (sum(one[0] for one in measured), sum(one[1] for one in measured)))


def texts_per_picture(data: Data) -> float:
    """Texts in a batch for each of its pictures: one, or a full caption, a noun and the partial ones asked for.

    Equal texts come once, so that a batch may have a few less; a trial counts them.
    """
    return 1.0 if data.captions == "given" else 2.0 + data.partials


def look(address: str, options: ReadOptions, language: str | None, *, limit: int | None = None) -> DataSize:
    """The size of one data set; only what lies on this machine is opened."""
    if not address.startswith(HUB) or address.removeprefix(HUB).startswith(("/", "./", "~")):
        try:
            return _read(address, options, language, limit)
        except MiranteError as error:
            known = _published(getattr(error, "name", ""))
    else:
        known = _known(address.removeprefix(HUB))
    if known is None:
        return DataSize(limit, None, None, "limit" if limit else "unknown")
    pictures, captions, download = _part(known, split_of(address)[1])
    origin: Origin = "known"
    if limit is not None and limit < pictures:
        pictures, captions, origin = limit, round(captions * limit / pictures), "limit"
    return DataSize(pictures, captions, download, origin)


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """Address on the hub → its row of `datasets.toml`."""
    text = files(__package__).joinpath("datasets.toml").read_text(encoding="utf-8")
    return {name.casefold(): row for row in tomllib.loads(text).values() for name in row["ids"]}


def _known(address: str) -> Mapping[str, Any] | None:
    base = split_of(address)[0].partition("@")[0]
    return table().get("/".join(base.split("/")[:2]).casefold())


def _published(name: str) -> Mapping[str, Any] | None:
    """What the data sets themselves know of one that is published and not here."""
    from mirante import registry

    if not name or name not in registry.names("mirante.datasets"):
        return None
    known = getattr(registry.load("mirante.datasets", name), "PUBLISHED", None)
    if known is None or not known.splits:
        return None
    pictures = sum(known.splits.values())
    return {"splits": known.splits, "captions": (known.captions or pictures) / pictures, "bytes": known.bytes}


def _part(known: Mapping[str, Any], splits: tuple[str, ...]) -> tuple[int, int, int]:
    """Pictures and captions of the splits wanted; the download is that of all."""
    wanted = [one for one in splits if one in known["splits"]] or list(known["splits"])
    pictures = sum(known["splits"][one] for one in wanted)
    return pictures, round(pictures * known["captions"]), known["bytes"]


def _read(address: str, options: ReadOptions, language: str | None, limit: int | None) -> DataSize:
    """Count what is here without decoding a picture; a large set that knows its number is read in part."""
    dataset = open_dataset(address, options)
    total = sum(_count(dataset, split) or 0 for split in dataset.splits)
    most = min(limit or _SAMPLE, _SAMPLE) if total > _SAMPLE else limit
    items = chain.from_iterable(dataset.items(split, language) for split in dataset.splits)
    each = [len(item.captions) for item in islice(items, most)]
    pictures, captions = sum(count > 0 for count in each), sum(each)
    if total > _SAMPLE and each:
        wanted = min(total, limit or total)
        pictures, captions = round(wanted * pictures / len(each)), round(wanted * captions / len(each))
    return DataSize(pictures, captions, 0, "read")


def _count(dataset: Dataset, split: str) -> int | None:
    known = getattr(whole(dataset), "count", None)
    return known(split) if known else None


def _measured(address: str, language: str | None, data: Data) -> tuple[int, int]:
    same = split_of(address)[0] == split_of(data.address)[0]
    found = look(address, _options(data) if same else ReadOptions(), language)
    return found.pictures or 0, found.captions or 0


def _per_picture(found: DataSize) -> float:
    return (found.captions or 0) / found.pictures if found.pictures else 0.0


def _options(data: Data) -> ReadOptions:
    return ReadOptions(image_column=data.image_column, text_column=data.text_column, language=data.language)
