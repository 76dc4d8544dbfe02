"""An index whose rows a database keeps: ids and changes lie in files, rows and neighbours are asked for.

A row is written when it is added, under a key that no saved state names yet, and never changed. Saving writes the names
of the segments. So a state that was saved stays what it is whatever others write, a program that is killed leaves rows
that nobody sees, and no transaction spans files and database. Deleting strikes out ids in the files alone.

The engine finds candidates; their rows are fetched, and get the scores and the order of every other kind.
"""

import math
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mirante.errors import StoreError
from mirante.indexes import _lineage, _tuning, _unsaved
from mirante.indexes._engines import Among, Engine, Stored, lost, step_for
from mirante.indexes._ids import Ids
from mirante.indexes._lineage import Lineage
from mirante.indexes._ranking import Found, check_k, completed, rank_all, rank_pairs, slack
from mirante.indexes._rows import Numbers, Rows, check_added, check_rows
from mirante.indexes._tuning import Effort, Tuned
from mirante.types import Scalar, Vectors

_FEW = 1000
"""Rows that are fetched and compared here rather than searched for in a graph."""
_MARGIN = 10
"""Candidates asked for beyond the results, so that ties at the border are seen."""
_KEYS = 10_000
"""Keys sent with one search; more are sent in turn."""
_SHARE = 4
"""Rows that are fewer than one in so many are named to the engine; more are picked from more candidates."""
_SEGMENTS = 1000
"""Additions that a search names one by one; with more, saving makes them one."""
_EFFORTS = tuple(Effort(reach) for reach in (16, 32, 64, 128, 256, 512, 1000))
_EFFORT = Effort(128)


class RemoteIndex:
    """Candidates by an engine, ids and order here; see `mirante.indexes.Index`.

    Args:
        engine: keeps the rows.
        lineage: which of its rows are ours.
        ids: of these rows, in their order.
        tuned: the effort of a search, and what was measured with it; None for the usual one.
    """

    def __init__(self, engine: Engine, lineage: Lineage, ids: Ids, *, tuned: Tuned | None = None) -> None:
        self._engine, self._lineage, self._ids = engine, lineage, ids
        self._rows = Rows(Stored(engine, lineage), ids)
        self._tuned, self._tried = tuned, tuned.effort if tuned else None
        self._unsaved = _unsaved.Unsaved(engine)
        weakref.finalize(self, _unsaved.give_up, self._unsaved)

    @property
    def dim(self) -> int:
        """Width d of its rows."""
        return self._lineage.dim

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add (n, d) unit rows, replacing those of known ids."""
        checked = check_added(ids, vectors, self.dim)
        if not len(checked):
            return
        lineage = self._lineage
        if not lineage.collection:
            lineage = replace(lineage.begun_anew(), superseded=lineage.superseded)
            self._make(lineage)
        grown = self._write(lineage, Rows(checked, Ids(ids)), np.arange(len(ids)))
        self._ids.extend(ids)
        self._hold(grown)
        self._changed(len(ids))

    def delete(self, ids: Iterable[str]) -> int:
        """Remove ids; how many were there."""
        gone = self._rows.delete(ids)
        self._changed(gone)
        return gone

    def search(
        self, queries: Vectors, k: int, allowed: Collection[str] | None = None
    ) -> tuple[list[list[str]], Vectors]:
        """The k best ids of each of (q, d) unit queries, and their (q, k) scores, by `TIE_RULE`."""
        checked, k, among = check_rows(queries, self.dim, "queries"), check_k(k), self._rows.numbers(allowed)
        count = len(self._rows) if among is None else len(among)
        if not count or not len(checked):
            return [[] for _ in checked], np.full((len(checked), k), -np.inf, np.float32)
        if self._engine.graph and count <= _FEW:
            return rank_all(self._part(np.arange(self._rows.total) if among is None else among), checked, k, None)
        return self._ranked(checked, k, among, count)

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The (n, d) rows of n ids, in their order."""
        return self._rows.of(ids)

    @property
    def efforts(self) -> Sequence[Sequence[Effort]]:
        """Candidates kept in the graph, from few to many; none where nothing is overlooked."""
        return (_EFFORTS,) if self._engine.graph and len(self) > _FEW else ()

    @property
    def effort(self) -> Effort:
        """That of a search: what was chosen, else the usual one."""
        return self._tried or (_EFFORT if self._engine.graph else Effort())

    def try_effort(self, effort: Effort) -> None:
        """Search so from now on; nothing is said or saved of it."""
        self._tried = effort

    def keep(self, tuned: Tuned) -> None:
        """Search so from now on, and say and save what was measured."""
        self._tuned, self._tried = tuned, tuned.effort

    def save(self, folder: Path) -> None:
        """Write the ids, `engine.json` and what was measured; drop what the compaction before the last left behind."""
        _lineage.check_empty(folder)
        _unsaved.sweep()
        left = self._lineage.superseded
        if self._rows.crowded or len(self._lineage.segments) > _SEGMENTS:
            self._compact()
        elif left:
            self._lineage = replace(self._lineage, superseded=None)
        self._ids.save(folder)
        _tuning.save(self._tuned, folder)
        self._lineage.save(folder)
        self._unsaved.clear()
        if left and not self._engine.foreign(left.collection, left.segments):
            self._engine.drop(left.collection)

    def describe(self) -> Mapping[str, Scalar]:
        """Rows, structure, where they are, effort and recall; `"exact"` while there are too few rows for a graph."""
        graph = bool(self.efforts)
        known: dict[str, Scalar] = {
            "structure": "hnsw" if graph else "exact" if self._engine.graph else "flat",
            "rows": len(self),
            "deleted": self._rows.total - len(self),
            "address": self._engine.address,
            "collection": self._lineage.collection,
        }
        if not graph:
            return {**known, "structure_from_rows": _FEW + 1} if self._engine.graph else known
        return {**known, "candidates": self.effort.reach, **(self._tuned.about() if self._tuned else {})}

    def _ranked(self, queries: Vectors, k: int, among: Numbers | None, count: int) -> Found:
        """The best k by the engine's candidates, and by all rows for the queries that these leave open."""
        asked, found, rest = self._candidates(queries, min(k, count), among, count)
        unique, place = np.unique(found, return_inverse=True)
        ranked = rank_pairs(self._part(unique), queries, k, asked, place)
        return completed(ranked, rest, self._rows, queries, among)

    def _candidates(
        self, queries: Vectors, want: int, among: Numbers | None, count: int
    ) -> tuple[Numbers, Numbers, Numbers]:
        """Pairs (asked, found) that hold the best `want` rows of each query, and the queries that stay open."""
        total, named = self._rows.total, among is not None and _SHARE * count < self._rows.total
        parts = _parts(among if named else None)
        seen = np.zeros(total, np.bool_)
        seen[slice(None) if among is None else among] = True
        limit = min(self._engine.most, total + 1)
        ask = math.ceil((want + _MARGIN) * (1 if named else total / count))
        reach, open_ = self.effort.reach, np.arange(len(queries))
        pairs: list[tuple[Numbers, Numbers]] = []
        ask = min(limit, max(ask, reach if self._engine.graph else 0))
        while len(open_):
            numbers, near, last = self._asked(queries[open_], ask, parts, reach)
            near[~(seen[numbers] & (numbers >= 0))] = -np.inf
            least = _best(near, want)
            if not self._engine.graph and (short := (last == -np.inf) & (least == -np.inf)).any():
                raise lost(self._lineage, want - int(np.isfinite(near[short]).sum(axis=1).min()))
            done = least > -np.inf if self._engine.graph else last < least - slack(self.dim)
            query, column = np.nonzero((near >= (least - slack(self.dim))[:, None]) & done[:, None])
            pairs.append((open_[query], numbers[query, column]))
            open_ = open_[~done]
            if ask >= limit:
                break
            ask, reach = min(limit, 4 * ask), 0
        asked, found = (np.concatenate(part) for part in zip(*pairs, strict=True))
        order = np.argsort(asked, kind="stable")
        return asked[order], found[order], open_

    def _asked(
        self, queries: Vectors, ask: int, parts: Sequence[Numbers | None], reach: int
    ) -> tuple[Numbers, Vectors, Vectors]:
        """(q, m) numbers of candidates, −1 for none, their products, and (q,) what those not seen are below."""
        numbers, near = [], []
        last = np.full(len(queries), -np.inf, np.float32)
        for part in parts:
            keys = None if part is None else self._lineage.keys(part)
            among = Among(self._lineage.segments, keys, reach)
            found, products = self._engine.find(self._lineage.collection, queries, ask, among)
            numbers.append(self._lineage.numbers(found))
            near.append(products)
            last = np.maximum(last, products[:, -1])
        return np.concatenate(numbers, axis=1), np.concatenate(near, axis=1), last

    def _part(self, numbers: Numbers) -> Rows:
        """Some living rows as a table in memory, numbered anew in their order."""
        return Rows(self._rows.take(numbers), Ids(self._rows.names(numbers)))

    def _make(self, lineage: Lineage) -> None:
        self._unsaved.collections.append(lineage.collection)
        self._engine.make(lineage.collection, self.dim)

    def _write(self, lineage: Lineage, rows: Rows, numbers: Numbers) -> Lineage:
        """Send rows to the engine; the lineage with them."""
        grown, keys = lineage.grown(len(numbers))
        self._unsaved.segments.append((lineage.collection, grown.segments[len(lineage.segments) :]))
        start = 0
        for _, block in rows.blocks(numbers, step_for(self.dim)):
            self._engine.insert(lineage.collection, keys[start : start + len(block)], block)
            start += len(block)
        self._engine.settle(lineage.collection, len(numbers))
        return grown

    def _compact(self) -> None:
        """Copy the living rows into a collection of their own."""
        before, living = self._lineage, self._ids.living()
        fresh = before.begun_anew()
        if before.collection in self._unsaved.collections:  # nobody reads it
            fresh = replace(fresh, superseded=None)
        if len(living):
            self._make(fresh)
            fresh = self._write(fresh, self._rows, living)
        else:
            fresh = replace(fresh, collection="")
        self._ids = Ids(self._rows.names(living))
        self._hold(fresh)
        if before.collection in self._unsaved.collections:
            self._engine.drop(before.collection)
        if self._tuned:
            self._tuned = self._tuned.after(0, anew=self._tuned.effort)

    def _hold(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._rows = Rows(Stored(self._engine, lineage), self._ids)

    def _changed(self, count: int) -> None:
        if self._tuned:
            self._tuned = self._tuned.after(count)


def create(name: str, engine: Engine, dim: int) -> RemoteIndex:
    """An empty index for rows of width `dim`; its collection is made with the first row."""
    _unsaved.sweep_at_exit(name)
    return RemoteIndex(engine, Lineage(name, engine.address, "", dim), Ids())


def open(name: str, engine: Engine, folder: Path) -> RemoteIndex:
    """What `RemoteIndex.save` wrote in `folder`.

    Raises:
        StoreError: it is missing or damaged, or the engine does not have its rows.
    """
    lineage, ids = _lineage.load(folder, name), Ids.open(folder)
    if ids.total != lineage.total:
        raise StoreError(
            f"The index files in {str(folder)!r} do not agree ({lineage.total} rows for {ids.total} ids): "
            "index the data again."
        )
    if lineage.collection and not engine.has(lineage.collection):
        raise StoreError(
            f"The rows of {str(folder)!r} are not in {engine.address}: {lineage.collection!r} was made in "
            f"{lineage.address}. Connect to that one, or index the data again."
        )
    _unsaved.sweep_at_exit(name)
    return RemoteIndex(engine, lineage, ids, tuned=_tuning.load(folder))


def _parts(numbers: Numbers | None) -> Sequence[Numbers | None]:
    if numbers is None:
        return (None,)
    return [numbers[start : start + _KEYS] for start in range(0, len(numbers), _KEYS)]


def _best(near: Vectors, want: int) -> NDArray[np.float32]:
    """The product of the last of the best `want` of each row, −inf where there are fewer."""
    if near.shape[1] < want:
        return np.full(len(near), -np.inf, np.float32)
    cut = near.shape[1] - want
    return np.partition(near, cut, axis=1)[:, cut]
