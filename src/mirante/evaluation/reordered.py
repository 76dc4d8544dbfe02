"""A re-ranked run judged as its base was: over the whole gallery, although only the first answers changed places.

Relevant documents that the base puts among its first k get the rank that the new order gives them; those below keep
theirs, and so does R@k at the cut-off.

Worked example, k = 3, relevant documents `b` and `e`:

    base       a b c | d e     b at 2, e at 5
    re-ranked  b c a | d e     b at 1, e at 5
    at best    b a c | d e     b at 1, e at 5: hit_rate@1 cannot exceed the base's hit_rate@3
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mirante.errors import DataError
from mirante.evaluation.judge import Judgement, Settings, judged
from mirante.evaluation.metrics import metric
from mirante.evaluation.ranks import NOT_RETRIEVED, Ranks, ranks_from_run
from mirante.types import Pairs, Qrels, Result, Run

RERANKED = "reranked"
"""The detail of a result that says what was re-ranked, and how."""
_KEPT = ("preset",)
"""Details of the base that hold for its re-ranked run too; those of cosines and of encoding do not."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """What was done to the first answers of a run, and what it took.

    Args:
        chain: names of the re-rankers, in the order in which they followed each other.
        depth: answers of a query whose order was open, k.
        seconds_per_query: wall clock.
        device: what it ran on, `""` where unknown.
        usd_per_hour: price of that machine, None where it is not known.
    """

    chain: tuple[str, ...]
    depth: int
    seconds_per_query: float = 0.0
    device: str = ""
    usd_per_hour: float | None = None


def is_reranked(result: Result) -> bool:
    """Whether the result is of a re-ranked run; its provenance is then that of the vectors of its base."""
    return RERANKED in result.details


def reordered(base: Judgement, run: Run, *, pairs: Pairs, how: Reranking, resamples: int = 1000) -> Judgement:
    """Judge `run`, which has the first k answers of each query of `base` in another order.

    Args:
        base: exact ranks over the whole gallery, and a run that holds at least k answers of each query.
        run: the same answers, the first ones re-ordered.
        pairs: the data that `base` was judged on; more may be in it.
        how: re-rankers, k and what they took.
        resamples: of the intervals.

    Returns:
        The judgement under the protocol of `base`. Its model is called `BASE + RERANKER + …`, its provenance is the
        base's, and `details["reranked"]` holds `base`, the fields of `how`, `candidates` (mean per query) and
        `ceiling`.

    Raises:
        DataError: the run differs from the base's by more than the order of the first k, or the base's is shorter.
    """
    _check(base, run, how.depth)
    result, found = base.result, _in_head(run, base.qrels, how.depth)
    done = judged(
        run,
        _with_head(base, found.ranks, found),
        qrels=base.qrels,
        pairs=pairs,
        settings=Settings(direction=result.direction, metrics=tuple(result.metrics), resamples=resamples),
        protocol=result.protocol,
        provenance=result.provenance,
        details={name: result.details[name] for name in _KEPT if name in result.details},
    )
    told = {
        "base": result.model,
        **asdict(how),
        "chain": list(how.chain),
        "candidates": float((base.run.indices[:, : how.depth] >= 0).sum(axis=1).mean()),
        "ceiling": ceiling(base, how.depth),
    }
    named = " + ".join([result.model, *how.chain])
    return replace(done, result=replace(done.result, model=named, details={**done.result.details, RERANKED: told}))


def ceiling(base: Judgement, depth: int) -> dict[str, float]:
    """Metric → what the best order of the first `depth` answers would reach; only metrics that are means.

    `hit_rate@1` can reach the base's `hit_rate@depth`.
    """
    found = _in_head(base.run, base.qrels, depth)
    best = _with_head(base, found.turns, found)
    wanted = (metric(name) for name in base.result.metrics)
    return {one.name: one(best) for one in wanted if one.summary == "mean"}


def _in_head(run: Run, qrels: Qrels, depth: int) -> Ranks:
    """Ranks of the relevant documents among the first `depth` answers; the others are not retrieved."""
    return ranks_from_run(replace(run, indices=run.indices[:, :depth], scores=run.scores[:, :depth]), qrels)


def _with_head(base: Judgement, ranks: NDArray[np.int64], found: Ranks) -> Ranks:
    """The `ranks` of what was `found` in the head, else the base's; within a query the head's documents come first."""
    whole = np.where(found.ranks == NOT_RETRIEVED, base.ranks.ranks, ranks)
    return replace(base.ranks, ranks=whole).cut(base.result.protocol.depth)


def _check(base: Judgement, run: Run, depth: int) -> None:
    first, gallery = base.run, base.result.protocol.gallery
    if len(set(first.queries)) < len(first.queries):
        raise DataError(
            f"{len(first.queries) - len(set(first.queries))} queries of {base.result.data!r} are asked in several "
            "folds, and their orders cannot be told apart: re-rank under a protocol without folds."
        )
    if first.indices.shape[1] < min(depth, gallery):
        raise DataError(
            f"The run of {base.result.model!r} holds {first.indices.shape[1]} answers a query, fewer than the {depth} "
            "that were re-ranked: keep at least as many."
        )
    same = (first.queries, first.documents) == (run.queries, run.documents) and first.indices.shape == run.indices.shape
    before, after = (np.sort(one.indices[:, :depth], axis=1) for one in (first, run))
    if not (
        same and np.array_equal(before, after) and np.array_equal(first.indices[:, depth:], run.indices[:, depth:])
    ):
        raise DataError(
            f"The run {run.name!r} has other queries or answers than {first.name!r} among the first {depth}, or "
            "another order below them: only the first answers may change places."
        )
