"""Which documents are right for each query, as flat arrays of positions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirante.errors import DataError
from mirante.types import Qrels


@dataclass(frozen=True)
class Positives:
    """The relevant documents of q judged queries, ragged.

    Args:
        queries: q ids, those that have at least one relevant document.
        columns: (p,) positions among the documents, −1 for a relevant document that is no candidate.
        offsets: (q + 1,) query i owns `columns[offsets[i]:offsets[i + 1]]`.
    """

    queries: tuple[str, ...]
    columns: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """(p,) the query's position of each column."""
        return np.repeat(np.arange(len(self.queries)), np.diff(self.offsets))

    def part(self, start: int, stop: int) -> "Positives":
        """The queries from position `start` to `stop`."""
        first, last = self.offsets[start], self.offsets[stop]
        return Positives(
            self.queries[start:stop], self.columns[first:last], self.offsets[start : stop + 1] - self.offsets[start]
        )


def positives(qrels: Qrels, documents: Sequence[str]) -> Positives:
    """Look up the relevant documents (grade 1 or more) of every query of `qrels`.

    Raises:
        DataError: a document id occurs twice, or no query has a relevant document.
    """
    position = {one: at for at, one in enumerate(documents)}
    if len(position) != len(documents):
        twice = next(one for at, one in enumerate(documents) if position[one] != at)
        raise DataError(f"Document id {twice!r} occurs twice among the candidates: give each its own id.")
    relevant = {
        query: [position.get(one, -1) for one, grade in grades.items() if grade >= 1]
        for query, grades in qrels.grades.items()
    }
    relevant = {query: columns for query, columns in relevant.items() if columns}
    if not relevant:
        raise DataError(
            f"None of {len(qrels.grades)} queries has a relevant document: check that the ids of the relevance "
            "are those of the data."
        )
    counts = np.array([len(columns) for columns in relevant.values()], np.int64)
    flat = np.array([one for columns in relevant.values() for one in columns], np.int64)
    return Positives(tuple(relevant), flat, np.concatenate(([0], np.cumsum(counts))))
