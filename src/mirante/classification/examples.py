"""Pictures of a data set as rows, with their labels where they have one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from mirante.datasets import whole
from mirante.embeddings import embed_pairs
from mirante.errors import DataError, UnknownName
from mirante.types import Dataset, Encoder, Item, Pairs, Vectors


@dataclass(frozen=True)
class Examples:
    """n pictures that could be read.

    Args:
        ids: n ids.
        rows: (n, d) unit rows.
        contents: n names; equal pictures have the same.
        labels: n names of labels, `""` where none was asked for.
        paths: n files, None where there is none.
        unreadable: id → why that picture could not be read.
        unlabelled: pictures left out as they have no label.
    """

    ids: tuple[str, ...]
    rows: Vectors
    contents: tuple[str, ...]
    labels: tuple[str, ...]
    paths: tuple[str | None, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    unlabelled: int = 0

    def distinct(self) -> list[int]:
        """The first place of every different picture."""
        first: dict[str, int] = {}
        for at, content in enumerate(self.contents):
            first.setdefault(content, at)
        return list(first.values())


def embed_examples(
    dataset: Dataset,
    encoder: Encoder,
    *,
    column: str | None = None,
    limit: int | None = None,
    folder: Path | None = None,
) -> Examples:
    """Read and embed the pictures of a data set, equal ones once.

    Args:
        dataset: opened; of a labelled one without a named split, the split `test` where there is one.
        encoder: the model.
        column: a metadata field, or the text column (its first caption), that names the label; None for no labels.
        limit: at most so many pictures.
        folder: keeps rows for the next time.

    Raises:
        UnknownName: no item has such a field.
        DataError: there is no picture that can be read.
    """
    splits = ("test",) if column and dataset is whole(dataset) and "test" in dataset.splits else dataset.splits
    items = list(islice(chain.from_iterable(map(dataset.items, splits)), limit))
    texts = dataset.columns.get("text", "").split(",")
    named = [(item, _label(item, column, texts)) for item in items]
    kept = [(item, label) for item, label in named if label is not None]
    if column and items and not kept:
        raise UnknownName("label column", column, {*items[0].picture.metadata, *texts} - {""})
    pairs = Pairs.from_items((Item(item.picture, ()) for item, _ in kept), f"{dataset.name}:{','.join(splits)}")
    images, _, unreadable = embed_pairs(pairs, encoder, folder)
    return _examples(kept, pairs, (images.ids, images.vectors), unreadable, len(items) - len(kept))


def _label(item: Item, column: str | None, texts: Sequence[str]) -> str | None:
    """The label of an item, `""` where none is wanted, None where it has none."""
    if column is None:
        return ""
    if column in item.picture.metadata:
        return str(item.picture.metadata[column])
    return item.captions[0].text.strip() if column in texts and item.captions else None


def _examples(
    kept: Sequence[tuple[Item, str]],
    pairs: Pairs,
    made: tuple[Sequence[str], Vectors],
    unreadable: Mapping[str, str],
    unlabelled: int,
) -> Examples:
    row = {one: at for at, one in enumerate(made[0])}
    stands = [(item, label, pairs.merged.get(item.picture.id, item.picture.id)) for item, label in kept]
    read = [(item.picture, label, stand) for item, label, stand in stands if stand in row]
    if not read:
        raise DataError(f"No picture of {pairs.name!r} can be read: `mirante inspect` says why.")
    return Examples(
        ids=tuple(picture.id for picture, _, _ in read),
        rows=made[1][[row[stand] for _, _, stand in read]],
        contents=tuple(picture.content for picture, _, _ in read),
        labels=tuple(label for _, label, _ in read),
        paths=tuple(picture.path for picture, _, _ in read),
        unreadable={item.picture.id: unreadable[stand] for item, _, stand in stands if stand not in row},
        unlabelled=unlabelled,
    )
