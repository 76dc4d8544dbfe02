"""Captioned pictures from one address, streamed; see `open_dataset`.

A kind of data set is one file here with `accepts(address)`, `open(address, options)` and `example(folder)`, which
writes a tiny data set of its kind for the contract test. Files that start with an underscore are shared. A published
data set also has `PUBLISHED`, what is known of it before it is downloaded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice

from mirante import registry
from mirante.datasets import _splits
from mirante.datasets._absent import absent, describe_absent, holds
from mirante.datasets._contrasts import Contrast, about, read_contrasts
from mirante.datasets._findings import describe
from mirante.datasets._inspection import Inspection, inspect
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Published, every_published, published, published_at, size
from mirante.datasets._sampling import split_at_random
from mirante.datasets._splits import split_of
from mirante.errors import UsageError
from mirante.types import Dataset, Item, Pairs

__all__ = [
    "Contrast",
    "Inspection",
    "Published",
    "ReadOptions",
    "about",
    "absent",
    "describe",
    "describe_absent",
    "every_published",
    "holds",
    "inspect",
    "open_dataset",
    "published",
    "published_at",
    "read_contrasts",
    "read_pairs",
    "size",
    "split_at_random",
    "split_of",
    "whole",
]

FORMS = """\
  hf:owner/name[/config][@revision]    a Hugging Face data set, or hf:/path saved on disk
  folder                               pictures with metadata.csv, .txt side-cars or class folders; Parquet; tars
  table.parquet, .csv, .tsv, .jsonl    with bytes or paths, also a pattern such as 'part-*.parquet'
  shards-{000..009}.tar                WebDataset
  captions.json                        COCO captions or Karpathy's JSON
  scenes                               the embedded pictures
  coco, flickr30k, xtd-10, ...         published data sets, also coco:/path/to/folder (docs/topics/datasets.md)
each with :split or :split,split after it"""


def open_dataset(address: str, options: ReadOptions = ReadOptions()) -> Dataset:  # noqa: B008  (frozen)
    """Open the data set at `address`; splits named after it (`:train,test`) are the only ones of the result.

    Raises:
        UsageError: no kind of data set accepts the address; the message lists the forms.
        MissingData: a published data set is not on this machine; the message says what to download.
        UnknownName: a split or column is not there.
        DataError: the data cannot be read.
    """
    base, splits = split_of(address)
    own = base.partition(":")[0]
    for name in sorted(registry.names(__name__), key=lambda one: (one != own, one)):
        component = registry.load(__name__, name)
        if base and component.accepts(base):
            found: Dataset = component.open(base, options)
            for split in set(splits) - set(found.splits):
                next(found.items(split), None)  # refuses a name it does not know; `scenes` knows sizes too
            return _Selected(found, splits) if splits else found
    near = get_close_matches(own, [one.name for one in every_published()], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"Nothing can be read from {address!r}: no such file or folder, nor another form.{hint}\n{FORMS}")


def read_pairs(
    dataset: Dataset, *, splits: Sequence[str] | None = None, language: str | None = None, limit: int | None = None
) -> Pairs:
    """Gather items into `Pairs` named by address and split.

    A data set that knows its relevance exactly says so with a method `pairs(split, language, limit)`, which answers
    for a single split; elsewhere a caption describes the pictures that it stands with.

    Args:
        dataset: an opened data set.
        splits: their names; all of the data set's where not given.
        language: only captions in this language.
        limit: at most so many items.

    Raises:
        UnknownName: a split is not there.
        DataError: an id occurs twice.
    """
    wanted = tuple(splits) if splits is not None else dataset.splits
    exact = getattr(whole(dataset), "pairs", None)
    if exact is not None and len(wanted) == 1:
        found: Pairs = exact(wanted[0], language, limit)
        return found
    items = chain.from_iterable(dataset.items(split, language) for split in wanted)
    return Pairs.from_items(islice(items, limit), f"{dataset.name}:{','.join(wanted)}")


def whole(dataset: Dataset) -> Dataset:
    """The data set behind one that was opened with some splits only, with all that its own kind can do."""
    return dataset.source if isinstance(dataset, _Selected) else dataset


@dataclass(frozen=True)
class _Selected:
    """A data set of which only some splits are wanted."""

    source: Dataset
    splits: tuple[str, ...]

    @property
    def name(self) -> str:
        """The address without the splits."""
        return self.source.name

    @property
    def revision(self) -> str:
        """As the whole data set's."""
        return self.source.revision

    @property
    def columns(self) -> Mapping[str, str]:
        """As the whole data set's."""
        return self.source.columns

    @property
    def ignored(self) -> Mapping[str, int]:
        """Files of the whole data set that were left out."""
        return getattr(self.source, "ignored", {})

    def count(self, split: str) -> int | None:
        """Number of pictures of a split where it is known before reading, else None."""
        known = getattr(self.source, "count", None)
        return known(split) if known else None

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the items of one of the wanted splits."""
        _splits.check(split, self.splits)
        return self.source.items(split, language)
