"""The ground that advice stands on: what was measured, what there is to learn from, and how a run would read it."""

from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

from mirante import pipeline
from mirante.datasets import ReadOptions, open_dataset, split_of, whole
from mirante.diagnosis.examine import is_distinct
from mirante.errors import DataError
from mirante.training.config import Data
from mirante.types import Dataset, Pairs

RESULTS = "results.json"
HOLD_OUT = 0.1
"""Share of the pictures that a run measures itself on where nothing else is there to measure on."""


@dataclass(frozen=True)
class Asked:
    """What advice is wanted on.

    Args:
        address: of the data that models are measured on.
        reading: how it is read; the language selects captions.
        train: of the data to learn from; by default the `train` split beside a `test` split, else the measured data.
        limit: the first N images of each only.
        retain: of data that must not be forgotten.
        retain_language: of its captions.
    """

    address: str
    reading: ReadOptions = field(default_factory=ReadOptions)
    train: str | None = None
    limit: int | None = None
    retain: str | None = None
    retain_language: str | None = None


@dataclass(frozen=True)
class Ground:
    """The data of one piece of advice.

    Args:
        measured: address with splits of what models were measured on.
        known: pictures and captions that there are to learn from.
        apart: whether they are other rows than the measured ones.
        data: how a run reads them.
        again: what is measured.
        decodes: whether its pictures can be opened, or only results are at hand.
        distinct: whether the data set vouches that different pictures are no near copies of each other.
    """

    measured: str
    known: Pairs
    apart: bool
    data: Data
    again: Pairs
    decodes: bool = True
    distinct: bool = False

    @property
    def rows(self) -> int:
        """n: different captioned pictures to learn from."""
        return len(frozenset().union(*self.known.relevance.values())) if self.known.relevance else 0

    @property
    def texts(self) -> int:
        """u: different texts among their captions, case and outer space aside."""
        return len({caption.text.strip().casefold() for caption in self.known.captions})


def survey(asked: Asked) -> Ground:
    """Open the data and read its captions; no picture is decoded.

    Raises:
        UsageError: an address, split or column is not there, or there is nothing to learn from.
    """
    dataset = open_dataset(asked.address, asked.reading)
    again = pipeline.read(pipeline.Source(asked.address, asked.reading, asked.limit))
    train = asked.train or _train_split(dataset, asked.address)
    data = _data(asked, train, again.name)
    distinct = is_distinct(dataset)
    if train is None:
        return Ground(again.name, again, False, data, again, distinct=distinct)
    learnt = open_dataset(train, _reading(asked, train))
    items = chain.from_iterable(learnt.items(split, asked.reading.language) for split in learnt.splits)
    known = Pairs.from_items(islice(items, asked.limit), train)
    if not known.captions:
        raise DataError(f"{train!r} has no caption to learn from: `mirante inspect` lists its columns and languages.")
    same = split_of(train)[0] == split_of(asked.address)[0]
    return Ground(again.name, known, True, data, again, distinct=distinct and same)


def from_results(pairs: Pairs, language: str, asked: Asked) -> Ground:
    """The ground where only results are at hand: what was measured is what is known.

    Args:
        pairs: the data behind the results, without pixels.
        language: that was read, `""` for all.
        asked: its address is that of the results.
    """
    reading = replace(asked.reading, language=language or None)
    data = _data(replace(asked, reading=reading), None, pairs.name)
    return Ground(pairs.name, pairs, False, data, pairs, decodes=False)


def resolved(asked: Asked, results: tuple[str, str] | None) -> Asked:
    """`asked` with the address of the data where that of a folder of results was given.

    Args:
        asked: what advice is wanted on.
        results: name and language of the data in that folder.
    """
    if results is None or not (Path(asked.address) / RESULTS).is_file():
        return asked
    name, language = results
    base, splits = split_of(name)
    reading = replace(asked.reading, language=language or None)
    return replace(asked, address=base if splits == ("test",) else name, reading=reading)


def _train_split(dataset: Dataset, address: str) -> str | None:
    """The `train` split of a whole data set that is measured on its `test` split."""
    measured_on_test = dataset is whole(dataset) and "test" in dataset.splits
    return f"{address}:train" if measured_on_test and "train" in dataset.splits else None


def _data(asked: Asked, train: str | None, measured: str) -> Data:
    apart = {"validation": measured} if train else {"hold_out": HOLD_OUT}
    reading = asked.reading
    columns = {"image_column": reading.image_column, "text_column": reading.text_column}
    retain = {"retain": asked.retain, "retain_language": asked.retain_language} if asked.retain else {}
    given = {"language": reading.language, "limit": asked.limit, **apart, **columns, **retain}
    return Data(train or measured, **given)  # type: ignore[arg-type]


def _reading(asked: Asked, train: str) -> ReadOptions:
    """As the measured data where the rows to learn from are of the same data set."""
    same = split_of(train)[0] == split_of(asked.address)[0]
    return asked.reading if same else ReadOptions(language=asked.reading.language)
