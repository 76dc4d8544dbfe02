"""Inspect a data set and diagnose it on one reading: rows counted, pictures decoded once, splits compared."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any, TypeAlias

from PIL.Image import Image

from mirante.datasets import Inspection, inspect, whole
from mirante.diagnosis.copies import Ids
from mirante.diagnosis.diagnose import Diagnosis, diagnose
from mirante.diagnosis.fingerprints import Fingerprints, Thumbnails, gathered, thumbnail
from mirante.errors import UnreadableImage
from mirante.types import Dataset, Embeddings, Item, Pairs

Vectors: TypeAlias = Callable[[Pairs], tuple[Embeddings, Embeddings]]
"""Gives the rows of the pictures and of the captions of pairs."""

EXAMPLES = 20


@dataclass(frozen=True)
class NearLeak:
    """Two splits with near copies of each other.

    Args:
        splits: their names.
        images: pictures of the second one that have a near copy in the first.
        pairs: ids, one of each split.
    """

    splits: tuple[str, str]
    images: int
    pairs: tuple[Ids, ...]


@dataclass(frozen=True)
class Examination:
    """Counts, diagnosis, and near copies between splits."""

    inspection: Inspection
    diagnosis: Diagnosis
    near_leaks: tuple[NearLeak, ...]

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante inspect --json`."""
        leaks = [{"splits": list(one.splits), "images": one.images, "pairs": one.pairs} for one in self.near_leaks]
        return self.inspection.to_dict() | {"near_leaks": leaks, "diagnosis": self.diagnosis.to_dict()}


def examine(dataset: Dataset, language: str | None = None, vectors: Vectors | None = None) -> Examination:
    """Look at everything in every split.

    Args:
        dataset: what to look at.
        language: only captions in this language, where given.
        vectors: embeds pairs with a model; without it agreement is not judged.
    """
    rows = _Rows(keep_pixels=vectors is not None)
    found = inspect(dataset, language, look=rows.look)
    pairs = Pairs.from_items(rows.items, dataset.name)
    images, texts = vectors(pairs) if vectors else (None, None)
    prints = None if is_distinct(dataset) else rows.fingerprints()
    diagnosis = diagnose(pairs, images=images, texts=texts, fingerprints=prints, pictures=prints is not None)
    near = tuple(_near_leaks(dataset.splits, rows.splits, diagnosis.copies or ()))
    return Examination(found, diagnosis, near)


def is_distinct(dataset: Dataset) -> bool:
    """Whether the data set vouches that pictures of different content are no copies of each other, as it draws them."""
    return bool(getattr(whole(dataset), "distinct", False))


class _Rows:
    """What passes by an inspection: the rows, the split of each picture, a thumbnail of each content."""

    def __init__(self, *, keep_pixels: bool) -> None:
        self.items: list[Item] = []
        self.splits: dict[str, str] = {}
        self._keep_pixels = keep_pixels
        self._small: dict[str, tuple[str, Thumbnails]] = {}

    def look(self, split: str, item: Item, image: Image | None) -> None:
        """Keep a row; its pixels can be loaded again only where they will be needed."""
        picture = item.picture
        self.splits[picture.id] = split
        if image is not None:
            self._small[picture.content] = picture.id, thumbnail(image)
        if not self._keep_pixels:
            item = replace(item, picture=replace(picture, load=partial(_let_go, picture.id)))
        self.items.append(item)

    def fingerprints(self) -> Fingerprints:
        """Of every picture that could be read."""
        found = self._small.values()
        return gathered([one for one, _ in found], list(self._small), [small for _, small in found])


def _near_leaks(splits: Sequence[str], split_of: dict[str, str], pairs: Iterable[Ids]) -> Iterator[NearLeak]:
    order = {split: number for number, split in enumerate(splits)}
    shared: dict[tuple[str, str], list[Ids]] = {}
    for pair in pairs:
        first, second = sorted(pair, key=lambda one: order[split_of[one]])
        shared.setdefault((split_of[first], split_of[second]), []).append((first, second))
    for both in combinations(splits, 2):
        if found := shared.get(both):
            yield NearLeak(both, len({second for _, second in found}), tuple(found))


def _let_go(image: str) -> Image:
    raise UnreadableImage("missing", f"the pixels of {image!r} were looked at and let go: open the data set again")
