"""A gallery: an index of vectors, the entries that they stand for, and which model made them, in one folder.

```
INDEX/index.json          the one file to read: what is held, how, and which model opens it (`Manifest`)
INDEX/calibration.safetensors   how scores become probabilities, once `mirante calibrate` fitted it
INDEX/generation-…/       vectors.npy, ids-….npy, the index's own files, catalogue.sqlite
```
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from mirante.errors import DataError, ModelMismatch, StoreError, UsageError
from mirante.indexes import Index, create_index, open_index
from mirante.search import generations
from mirante.search._nearest import best
from mirante.search.calibration import Calibration
from mirante.search.catalogue import Catalogue, Entry, derive
from mirante.search.manifest import Holds, Manifest, describe, parse
from mirante.types import Embeddings, Metadata, Provenance, Vectors

_CATALOGUE = "catalogue.sqlite"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer to a query: the entry found, and the inner product (cosine) of query and row.

    `relevance` is the calibrated probability that the answer is right, None where scores are not calibrated.
    """

    id: str
    score: float
    captions: tuple[str, ...]
    metadata: Metadata
    path: str | None
    relevance: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "id": self.id,
            "score": self.score,
            "relevance": self.relevance,
            "captions": list(self.captions),
            "metadata": dict(self.metadata),
            "path": self.path,
        }


@dataclass(frozen=True, slots=True)
class _State:
    manifest: Manifest
    index: Index
    catalogue: Catalogue


class Gallery:
    """An opened gallery. A change is durable when the call returns; two processes never mix their changes.

    Threads may search one gallery together, also while one of them changes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._state = folder, _load(folder)

    @classmethod
    def create(
        cls,
        folder: Path,
        kind: str,
        embeddings: Embeddings,
        entries: Iterable[Entry],
        *,
        holds: Holds = "images",
        made: Index | None = None,
    ) -> Self:
        """Make a gallery in `folder`, in place of one that may be there, and open it.

        Args:
            folder: made if it does not exist.
            kind: one of `mirante.indexes.kinds()`.
            embeddings: (n, d) unit rows; n may be 0.
            entries: one for each id of the embeddings, in any order.
            holds: what the rows are of.
            made: an index of `kind` that holds these rows already, None to make it here.

        Raises:
            UnknownName: no such kind.
            DataError: embeddings and entries do not name the same ids, or rows are not of length 1.
            StoreError: the folder cannot be written.
        """
        shown = _aligned(embeddings, entries)
        index = made if made is not None else create_index(kind, embeddings.vectors.shape[1])
        if made is None:
            index.add(embeddings.ids, embeddings.vectors)

        def fill(new: Path) -> Mapping[str, Any]:
            index.save(new)
            derive(new / _CATALOGUE, None, shown)
            return describe(index, kind, holds, embeddings.provenance)

        generations.commit(folder, None, fill)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what was saved; rows are memory-mapped.

        Raises:
            StoreError: there is no gallery, it is damaged, or of another version.
            MissingLibrary: the library of its kind is not installed.
        """
        return cls(folder)

    @property
    def manifest(self) -> Manifest:
        """What `index.json` says."""
        return self._state.manifest

    @property
    def provenance(self) -> Provenance:
        """What made the rows; queries must come from the same model."""
        return self.manifest.provenance

    @property
    def kind(self) -> str:
        """Kind of the index."""
        return self.manifest.kind

    @property
    def holds(self) -> Holds:
        """What the rows are of."""
        return self.manifest.holds

    @property
    def dim(self) -> int:
        """Width d of a row."""
        return self.manifest.dim

    @cached_property
    def calibration(self) -> Calibration | None:
        """What turns scores into probabilities, None before `mirante calibrate`; read once.

        Raises:
            StoreError: it was fitted for another model, or is damaged.
        """
        return Calibration.load(self.folder, self.provenance)

    @property
    def fields(self) -> tuple[str, ...]:
        """Metadata fields that a search can filter on."""
        return self._state.catalogue.fields()

    def values(self, name: str, most: int = 100) -> tuple[str, ...]:
        """The values of a metadata field as a search filters on them; none where there are more than `most`."""
        return self._state.catalogue.values(name, most)

    def __len__(self) -> int:
        return self.manifest.count

    def search(self, vector: Vectors, k: int, where: Mapping[str, str] | None = None) -> list[Hit]:
        """The k best entries for a (d,) unit vector, best first, by `mirante.types.TIE_RULE`.

        Args:
            vector: (d,) float32 of length 1.
            k: at most how many.
            where: metadata field → wanted value, compared as text; all must hold.

        Raises:
            UnknownName: no entry has such a field.
            DataError: the vector is not (d,) or not of length 1.
            UsageError: k is below 1.
        """
        if vector.ndim != 1:
            raise DataError(f"A search takes one vector (d,), not {vector.shape}: search for each row in turn.")
        return self.search_each(vector[np.newaxis], k, where)[0]

    def search_each(self, vectors: Vectors, k: int, where: Mapping[str, str] | None = None) -> list[list[Hit]]:
        """What `search` finds for each of (q, d) unit rows, in one call of the index; it raises what that raises."""
        state = self._state
        allowed = state.catalogue.matching(where) if where else None
        ids, scores = best(state.index, vectors, k, allowed, parts=self.provenance.parts)
        shown = state.catalogue.get(dict.fromkeys(one for row in ids for one in row))
        return [
            [
                Hit(one, score, shown[one].captions, shown[one].metadata, shown[one].path)
                for one, score in zip(row, values, strict=False)
            ]
            for row, values in zip(ids, scores.tolist(), strict=True)
        ]

    def embeddings(self, ids: Iterable[str]) -> Embeddings:
        """The rows of `ids`, in that order; ids that are not, or no longer, in the gallery are left out."""
        state, wanted = self._state, tuple(dict.fromkeys(ids))
        known = state.catalogue.get(wanted)
        kept = tuple(one for one in wanted if one in known)
        return Embeddings(kept, state.index.vectors(kept), state.manifest.provenance)

    def entry(self, id_: str) -> Entry | None:
        """What one id stands for, None where there is none of that name."""
        return self._state.catalogue.get((id_,)).get(id_)

    def similar(self, id_: str, k: int, where: Mapping[str, str] | None = None) -> list[Hit]:
        """The k entries nearest to one that is in the gallery, best first, without itself.

        Raises:
            UnknownName: no entry has such a field.
            UsageError: the gallery has no such id, or k is below 1.
        """
        rows = self.embeddings((id_,)).vectors
        if not len(rows):
            raise UsageError(f"The gallery has no id {id_!r}: look for one that it has.")
        hits = self.search(rows[0], k + 1, where)
        return [hit for hit in hits if hit.id != id_][:k]

    def add(self, embeddings: Embeddings, entries: Iterable[Entry]) -> None:
        """Add rows with their entries; known ids get the new ones in place of their old. Add many at a time.

        Raises:
            ModelMismatch: the embeddings were made by another model.
            DataError: embeddings and entries do not name the same ids, or rows are not of length 1.
            StoreError: another process changed the gallery, or the disk cannot be written.
        """
        require_same_space(self.provenance, embeddings.provenance)
        shown = _aligned(embeddings, entries)
        self._change(lambda index: index.add(embeddings.ids, embeddings.vectors), entries=shown)

    def delete(self, ids: Iterable[str]) -> None:
        """Remove rows and their entries.

        Raises:
            UsageError: an id is not in the gallery; nothing is removed then.
            StoreError: another process changed the gallery, or the disk cannot be written.
        """
        gone = tuple(dict.fromkeys(ids))
        known = self._state.catalogue.get(gone)
        missing = [one for one in gone if one not in known]
        if missing:
            raise UsageError(
                f"{len(missing)} of {len(gone)} ids to delete are not in the gallery, first {missing[0]!r}: "
                "nothing was deleted. Leave them out."
            )
        self._change(lambda index: index.delete(gone), deleted=gone)

    def _change(
        self, change: Callable[[Index], object], *, entries: Iterable[Entry] = (), deleted: Iterable[str] = ()
    ) -> None:
        """Write the next generation from what the folder holds, then show it; until then, and on failure, the old."""
        state, inside = self._state, self.folder / self.manifest.generation

        def fill(new: Path) -> Mapping[str, Any]:
            index = open_index(self.kind, inside)
            change(index)
            index.save(new)
            derive(new / _CATALOGUE, state.catalogue, entries, deleted)
            return describe(index, self.kind, self.holds, self.provenance)

        generations.commit(self.folder, self.manifest.generation, fill)
        self._state = _load(self.folder)


def require_same_space(expected: Provenance, given: Provenance) -> None:
    """Let pass only vectors that may be compared.

    Raises:
        ModelMismatch: weights or preprocessing differ.
    """
    if expected.same_space(given):
        return
    if expected.model != given.model:
        raise ModelMismatch(expected.model, given.model)
    names = [f"{one.model} (revision {one.revision}, preprocessing {one.preprocessing})" for one in (expected, given)]
    raise ModelMismatch(*names)


def _aligned(embeddings: Embeddings, entries: Iterable[Entry]) -> list[Entry]:
    known: dict[str, Entry] = {}
    for entry in entries:
        if entry.id in known:
            raise DataError(f"Entry {entry.id!r} occurs twice: give each row one entry.")
        known[entry.id] = entry
    rows = set(embeddings.ids)
    for missing, what in ((rows - known.keys(), "entry"), (known.keys() - rows, "embedding")):
        if missing:
            raise DataError(
                f"{len(missing)} ids have no {what}, first {min(missing)!r}: give one row and one entry for each id."
            )
    return [known[one] for one in embeddings.ids]


def _load(folder: Path) -> _State:
    """Open the state that holds; again where another process replaces it meanwhile."""
    for left in reversed(range(_TRIES)):
        document = generations.read(folder)
        try:
            return _open(folder, document)
        except StoreError:
            if not left or generations.read(folder)["generation"] == document["generation"]:
                raise
    raise StoreError(f"{str(folder)!r} changes faster than it can be opened: try again.")


def _open(folder: Path, document: Mapping[str, Any]) -> _State:
    manifest = parse(document, folder / generations.INDEX)
    inside = folder / manifest.generation
    index, catalogue = open_index(manifest.kind, inside), Catalogue.open(inside / _CATALOGUE)
    if not manifest.count == len(index) == len(catalogue) or manifest.dim != index.dim:
        raise StoreError(
            f"{str(folder)!r} is damaged: {manifest.count} rows of width {manifest.dim} are announced, {len(index)} of "
            f"{index.dim} and {len(catalogue)} entries found. Index the data again."
        )
    return _State(manifest, index, catalogue)
