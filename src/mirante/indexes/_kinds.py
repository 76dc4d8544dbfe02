"""The promise of an index, and the kinds that keep it, by name."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Protocol as Interface

from mirante import registry
from mirante.errors import UnknownName
from mirante.types import Scalar, Vectors

_FAMILY = "mirante.indexes"


class Index(Interface):
    """Unit rows under ids, searched by inner product; rows come and go without a rebuild."""

    @property
    def dim(self) -> int:
        """Width d of its rows."""

    def __len__(self) -> int:
        """Number n of rows that can be found."""

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add (n, d) float32 rows of length 1; a known id gets the new row in place of its old one.

        Raises:
            DataError: the shape is wrong, a row is not of length 1, or an id stands twice in `ids`.
        """

    def delete(self, ids: Iterable[str]) -> int:
        """Remove ids and say how many were there; unknown ones are passed over."""

    def search(
        self, queries: Vectors, k: int, allowed: Collection[str] | None = None
    ) -> tuple[list[list[str]], Vectors]:
        """The best rows for each of q unit queries.

        Args:
            queries: (q, d) float32 rows of length 1.
            k: how many to find, at least 1.
            allowed: ids that may be found, None for all; ids that are not in the index do no harm.

        Returns:
            For each query the `min(k, rows allowed)` best ids, and their scores, (q, k) float32, −inf where padded.

        Raises:
            DataError: the queries are not (q, d) rows of length 1.
            UsageError: k is below 1.
        """

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The (n, d) rows of n ids that are in the index, in their order, as they were added."""

    def save(self, folder: Path) -> None:
        """Write its files into an existing folder; opened files are never changed in place."""

    def describe(self) -> Mapping[str, Scalar]:
        """What is inside, e.g. `{"structure": "hnsw", "rows": 5000, "deleted": 3}`; plain JSON values."""


def kinds() -> tuple[str, ...]:
    """Every kind that `create_index` knows, e.g. `("exact", "faiss-flat", …)`; loads no index library."""
    return tuple(sorted(_parts()))


def create_index(kind: str, dim: int) -> Index:
    """Make an empty index of `kind` for rows of width `dim`.

    Raises:
        UnknownName: no such kind; the message lists the valid ones.
        MissingLibrary: the library behind it is not installed.
    """
    component, variant = _find(kind)
    made: Index = component.create(dim, variant)
    return made


def open_index(kind: str, folder: Path) -> Index:
    """Open what an index of `kind` saved in `folder`, memory-mapped where its kind can.

    Raises:
        UnknownName: no such kind.
        MissingLibrary: the library behind it is not installed.
        StoreError: the files are missing or damaged.
    """
    component, variant = _find(kind)
    opened: Index = component.open(folder, variant)
    return opened


@cache
def _parts() -> dict[str, tuple[ModuleType, str]]:
    modules = {name: registry.load(_FAMILY, name) for name in registry.names(_FAMILY)}
    return {
        f"{name}-{variant}" if variant else name: (module, variant)
        for name, module in modules.items()
        for variant in module.VARIANTS
    }


def _find(kind: str) -> tuple[ModuleType, str]:
    parts = _parts()
    if kind not in parts:
        raise UnknownName("index", kind, parts)
    return parts[kind]
