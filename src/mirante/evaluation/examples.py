"""Queries worth looking at: the best, the worst and some at random, as plain data that a report draws."""

from typing import Any

import numpy as np

from mirante.evaluation.ranks import NOT_RETRIEVED, Ranks
from mirante.types import Pairs, Qrels, Run

EACH = 6  # examples of a kind
HITS = 8  # answers shown of each


def examples(run: Run, ranks: Ranks, *, qrels: Qrels, pairs: Pairs, seed: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Choose examples by the rank of their first relevant document; equal ranks are drawn by lot, seeded.

    Returns:
        `best`, `worst`, `random` → examples `{"query", "text", "image", "rank", "hits", "wanted"}`: `text` is the
        query's caption (else null) and `image` its id (else null), `rank` is null when nothing relevant was
        retrieved, a hit is `{"id", "text", "score", "relevant"}`, a wanted one `{"id", "text"}`.
    """
    lots = np.random.default_rng(seed).permutation(len(ranks.queries))
    by_rank = lots[np.argsort(ranks.first[lots], kind="stable")]
    texts = {caption.id: caption.text for caption in pairs.captions}
    pictures = {image.id for image in pairs.images}
    row_of = {query: row for row, query in enumerate(run.queries)}

    def example(at: int) -> dict[str, Any]:
        query, rank = ranks.queries[at], int(ranks.first[at])
        right = {one for one, grade in qrels.grades[query].items() if grade >= 1}
        found = _hits(run, row_of[query]) if query in row_of else []
        return {
            "query": query,
            "text": texts.get(query),
            "image": query if query in pictures and query not in texts else None,
            "rank": None if rank == NOT_RETRIEVED else rank,
            "hits": [{"id": i, "text": texts.get(i), "score": s, "relevant": i in right} for i, s in found],
            "wanted": [{"id": one, "text": texts.get(one)} for one in sorted(right)[:HITS]],
        }

    chosen = {"best": by_rank[:EACH], "worst": by_rank[::-1][:EACH], "random": lots[:EACH]}
    return {kind: [example(at) for at in queries.tolist()] for kind, queries in chosen.items()}


def _hits(run: Run, row: int) -> list[tuple[str, float]]:
    found = zip(run.indices[row, :HITS].tolist(), run.scores[row, :HITS].tolist(), strict=True)
    return [(run.documents[index], score) for index, score in found if index >= 0]
