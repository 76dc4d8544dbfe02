"""What is evaluated: addresses of data, and what is read from them before any model is asked."""

from dataclasses import dataclass, field

from mirante.datasets import Contrast, ReadOptions, about, open_dataset, read_contrasts, read_pairs, whole
from mirante.errors import UsageError
from mirante.evaluation import Preset
from mirante.types import Dataset, Pairs


@dataclass(frozen=True)
class Source:
    """A data set and how it is read; the language of `reading` selects captions, `limit` the first N images."""

    address: str
    reading: ReadOptions = field(default_factory=ReadOptions)
    limit: int | None = None


@dataclass(frozen=True)
class Collection:
    """What a source holds: pairs, what it asks about their pictures, and the conditions that they are judged under."""

    source: Source
    pairs: Pairs
    contrasts: tuple[Contrast, ...]
    protocol: Preset

    @property
    def language(self) -> str:
        """Of the captions that were read, `""` for all."""
        return self.source.reading.language or ""


def read(source: Source, split: str = "") -> Pairs:
    """The pairs of a source; `split` is a protocol's, read where the address names none.

    Raises:
        UsageError: no picture has a caption in the wanted language.
    """
    return _pairs(open_dataset(source.address, source.reading), source, split)


def collect(source: Source, protocol: Preset) -> Collection:
    """Read a source for evaluation; one test in several languages is judged language by language, unless told how.

    Raises:
        UsageError: no picture has a caption in the wanted language.
        DataError: the data are not what the protocol means.
    """
    dataset, language = open_dataset(source.address, source.reading), source.reading.language
    if getattr(whole(dataset), "languages_apart", False) and protocol == Preset():
        protocol = Preset(languages="each", equal_captions="as given")
    pairs = _pairs(dataset, source, protocol.split)
    protocol.parts(protocol.choose(pairs), language or "")  # refuses other data before anything is embedded
    asked = read_contrasts(whole(dataset), splits=_splits(dataset, protocol.split), language=language)
    return Collection(source, pairs, about(asked, pairs), protocol)


def _pairs(dataset: Dataset, source: Source, split: str) -> Pairs:
    language = source.reading.language
    pairs = read_pairs(dataset, splits=_splits(dataset, split), language=language, limit=source.limit)
    if not pairs.captions:
        wanted = f" in {language!r}" if language else ""
        raise UsageError(
            f"{source.address!r} has no captions{wanted}: `mirante inspect` lists its columns and languages."
        )
    return pairs


def _splits(dataset: Dataset, wanted: str) -> tuple[str, ...]:
    """The splits asked for; of a whole data set the protocol's or the test split, or everything where it has none."""
    asked = dataset is not whole(dataset)
    wanted = wanted or "test"
    return (wanted,) if not asked and wanted in dataset.splits else dataset.splits
