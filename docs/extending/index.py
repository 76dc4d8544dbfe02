"""An index in one file: a dictionary of rows, all compared with each query."""

import numpy as np

from mirante.errors import DataError, StoreError, UsageError

VARIANTS = ("",)  # "" for the only one; "fast" would add the kind `shoebox-fast`


class Shoebox:
    """See `mirante.indexes.Index` for what each method promises."""

    def __init__(self, dim, rows=()):
        self.dim, self.rows = dim, dict(rows)

    def __len__(self):
        return len(self.rows)

    def add(self, ids, vectors):
        if len(set(ids)) != len(vectors):
            raise DataError(f"{len(vectors)} rows came with {len(set(ids))} different ids: give each row its own.")
        self.rows.update(zip(ids, _unit(vectors, self.dim), strict=True))

    def delete(self, ids):
        return sum(self.rows.pop(one, None) is not None for one in ids)

    def search(self, queries, k, allowed=None):
        if k < 1:
            raise UsageError(f"Cannot find {k} rows: ask for 1 or more.")
        ids = sorted(self.rows if allowed is None else set(allowed) & set(self.rows), reverse=True)
        scores = _unit(queries, self.dim) @ self.vectors(ids).T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]  # of equal scores the later id comes first
        found, short = np.take_along_axis(scores, best, axis=1), ((0, 0), (0, k - best.shape[1]))
        return [[ids[at] for at in row] for row in best], np.pad(found, short, constant_values=-np.inf)

    def vectors(self, ids):
        return np.array([self.rows[one] for one in ids], "f4").reshape(-1, self.dim)

    def save(self, folder):
        np.savez(folder / "shoebox.npz", dim=self.dim, ids=np.array([*self.rows], str), rows=[*self.rows.values()])

    def describe(self):
        return {"structure": "shoebox", "rows": len(self), "deleted": 0}


def create(dim, variant=""):
    return Shoebox(dim)


def open(folder, variant=""):
    try:
        with np.load(folder / "shoebox.npz") as saved:
            return Shoebox(int(saved["dim"]), zip(saved["ids"].tolist(), saved["rows"], strict=True))
    except Exception as error:
        raise StoreError(f"{str(folder)!r} holds no readable shoebox: {error}. Build the index again.") from error


def _unit(rows, dim):
    if rows.ndim != 2 or rows.shape[1] != dim or not np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3):
        raise DataError(f"Rows must be (n, {dim}) of length 1, not {rows.shape}: normalise them.")
    return rows
