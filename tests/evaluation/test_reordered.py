"""A run whose first answers changed places, judged over the whole gallery: by hand, and against the whole run."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mirante.errors import DataError
from mirante.evaluation import Judgement, Reranking, Settings, evaluate, evaluate_run, is_reranked, metric, reordered
from mirante.evaluation.ranks import NOT_RETRIEVED
from mirante.rerankers import Collection, rerank
from mirante.types import Caption, Embeddings, Pairs, Picture, Provenance, Run

MADE = Provenance("toy/one", "r1", "p1", "data")


def pairs_of(relevance: dict[str, set[str]], images: int) -> Pairs:
    """Pictures `a`, `b`, `c` … and captions that describe some of them."""
    pictures = tuple(Picture(one, one, lambda: Image.new("RGB", (1, 1))) for one in map(chr, range(97, 97 + images)))
    captions = tuple(Caption(one, f"text {one}") for one in relevance)
    return Pairs(pictures, captions, {one: frozenset(found) for one, found in relevance.items()}, "toy:test")


def at_angles(ids: str, angles: list[float]) -> Embeddings:
    radians = np.deg2rad(np.array(angles, np.float64))
    return Embeddings(tuple(ids.split()), np.stack([np.cos(radians), np.sin(radians)], 1).astype(np.float32), MADE)


# The text lies at 0°, so it finds a, b, c, d, e in this order; b and e are right.
IMAGES, TEXTS = at_angles("a b c d e", [10, 20, 30, 40, 50]), at_angles("q", [0])
PAIRS = pairs_of({"q": {"b", "e"}}, 5)


def base(depth: int = 5, cutoff: int | None = None, pairs: Pairs = PAIRS) -> Judgement:
    return evaluate(IMAGES, TEXTS, pairs, Settings(depth=depth, cutoff=cutoff))


def listed(run: Run, order: str) -> Run:
    """The run with its first answers in another order, scored downwards."""
    indices, scores = run.indices.copy(), run.scores.copy()
    indices[0, : len(order)] = [run.documents.index(one) for one in order]
    scores[0, : len(order)] = 2 - np.arange(len(order)) / 10
    return replace(run, indices=indices, scores=scores, name=f"{run.name}+by-hand")


def ranks(judged: Judgement) -> list[int]:
    return judged.ranks.ranks.tolist()


@pytest.mark.parametrize(
    ("depth", "order", "expected", "ceiling"),
    [
        (3, "bca", [1, 5], 1.0),  # b moves up, e stays below
        (3, "cab", [3, 5], 1.0),  # b moves down
        (3, "abc", [2, 5], 1.0),
        (5, "edcba", [1, 4], 1.0),  # the whole gallery is open
        (1, "a", [2, 5], 0.0),  # nothing right among the candidates
        (9, "edcba", [1, 4], 1.0),  # more than there are
    ],
)
def test_by_hand(depth: int, order: str, expected: list[int], ceiling: float) -> None:
    first = base()
    assert ranks(first) == [2, 5]
    done = reordered(first, listed(first.run, order), pairs=PAIRS, how=Reranking(("by-hand",), depth))
    assert ranks(done) == expected
    assert done.result.metrics["mrr"].value == 1 / expected[0]
    assert done.result.details["reranked"]["ceiling"]["hit_rate@1"] == ceiling
    assert done.result.details["reranked"]["candidates"] == min(depth, 5)


def test_the_ceiling_of_every_metric_is_that_of_the_best_order() -> None:
    """Of the first three only b is right, so at best b is first, and e stays fifth: precisions 1 and 2/5."""
    found = reordered(base(), base().run, pairs=PAIRS, how=Reranking(("x",), 3)).result.details["reranked"]["ceiling"]
    assert found["map"] == pytest.approx((1 + 2 / 5) / 2)
    assert (found["recall@1"], found["recall@5"], found["mrr"]) == (0.5, 1.0, 1.0)
    assert "median_rank" not in found


def test_the_protocol_is_the_bases_the_name_is_not_and_the_vectors_are_what_they_were() -> None:
    first = base()
    done = reordered(
        first,
        listed(first.run, "bac"),
        pairs=PAIRS,
        how=Reranking(
            (
                "elip:runs/x",
                "itm:y",
            ),
            3,
        ),
    ).result
    assert done.protocol == first.result.protocol
    assert done.model == "toy/one + elip:runs/x + itm:y"
    assert done.provenance == MADE
    assert is_reranked(done)
    assert not is_reranked(first.result)
    told = done.details["reranked"]
    assert (told["base"], told["chain"], told["depth"]) == ("toy/one", ["elip:runs/x", "itm:y"], 3)
    assert "similarity" in first.result.details
    assert {"similarity", "histogram", "as_given", "cost"}.isdisjoint(done.details)  # of cosines and encoding alone


def test_the_same_order_has_the_same_figures() -> None:
    first = base()
    done = reordered(first, first.run, pairs=PAIRS, how=Reranking(("nothing",), 3))
    assert done.result.metrics == first.result.metrics
    assert ranks(done) == ranks(first)


def test_ranks_that_a_protocol_does_not_see_come_into_its_sight() -> None:
    """The metrics see two ranks: e at 5 counts as not retrieved, until it is moved up among five candidates."""
    first = base(cutoff=2)
    assert ranks(first) == [2, NOT_RETRIEVED]
    done = reordered(first, listed(first.run, "ebacd"), pairs=PAIRS, how=Reranking(("x",), 5))
    assert ranks(done) == [1, 2]
    assert done.result.protocol.depth == 2
    down = reordered(first, listed(first.run, "acdbe"), pairs=PAIRS, how=Reranking(("x",), 5))
    assert ranks(down) == [NOT_RETRIEVED, NOT_RETRIEVED]
    assert down.result.details["reranked"]["ceiling"]["recall@1"] == 0.5


class Drawn:
    """Scores by lot, few different ones, so that many tie."""

    name = "drawn"

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def score(self, candidates: object) -> np.ndarray:
        return self.random.integers(-3, 3, len(candidates.pictures)).astype(np.float32) / 4  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(40))
def test_equals_the_judgement_of_the_whole_run(seed: int) -> None:
    """Up to 20 images in 2 dimensions of few values, so that scores tie; up to 30 right images a text."""
    random = np.random.default_rng(seed)
    images, texts = int(random.integers(1, 21)), int(random.integers(1, 8))
    names = [chr(97 + at) for at in range(images)]
    relevance = {
        f"q{at}": set(random.choice(names, int(random.integers(1, images + 1)), replace=False)) for at in range(texts)
    }
    pairs = pairs_of(relevance, images)
    shown = at_angles(" ".join(names), random.integers(0, 4, images) * 30.0)
    asked = at_angles(" ".join(relevance), random.integers(0, 4, texts) * 30.0)
    collection = Collection(
        {one.id: one.text for one in pairs.captions}, {one.id: one for one in pairs.images}, asked, shown
    )
    depth = int(random.integers(1, images + 3))

    whole = evaluate(shown, asked, pairs, Settings(depth=images))
    short = evaluate(shown, asked, pairs, Settings(depth=min(images, depth)))
    expected = evaluate_run(
        rerank(whole.run, Drawn(seed), collection, depth=depth), pairs, provenance=MADE, gallery=images
    )
    found = reordered(
        short, rerank(short.run, Drawn(seed), collection, depth=depth), pairs=pairs, how=Reranking(("d",), depth)
    )

    assert ranks(found) == ranks(expected)
    assert found.ranks.queries == expected.ranks.queries
    assert found.result.metrics == expected.result.metrics
    at_cutoff = metric(f"hit_rate@{depth}"), metric(f"recall@{depth}")
    assert [one(found.ranks) for one in at_cutoff] == [one(short.ranks) for one in at_cutoff]
    best = found.result.details["reranked"]["ceiling"]
    assert best["hit_rate@1"] == at_cutoff[0](short.ranks)
    assert all(one.value <= best[name] + 1e-12 for name, one in found.result.metrics.items() if name in best)


def test_other_answers_are_refused() -> None:
    first = base()
    with pytest.raises(DataError, match="only the first answers may change places"):
        reordered(first, listed(first.run, "abcde"[::-1]), pairs=PAIRS, how=Reranking(("x",), 3))
    swapped = replace(first.run, indices=first.run.indices[:, [0, 1, 2, 4, 3]])
    with pytest.raises(DataError, match="only the first answers may change places"):
        reordered(first, swapped, pairs=PAIRS, how=Reranking(("x",), 3))
    with pytest.raises(DataError, match="only the first answers"):
        reordered(first, replace(first.run, queries=("other",)), pairs=PAIRS, how=Reranking(("x",), 3))


def test_a_run_that_is_too_short_is_refused() -> None:
    first = base(depth=2)
    with pytest.raises(DataError, match="holds 2 answers a query, fewer than the 3"):
        reordered(first, first.run, pairs=PAIRS, how=Reranking(("x",), 3))


def test_a_query_of_two_folds_is_refused() -> None:
    first = base()
    twice = replace(first, run=replace(first.run, queries=("q", "q")))
    with pytest.raises(DataError, match="asked in several folds"):
        reordered(twice, twice.run, pairs=PAIRS, how=Reranking(("x",), 3))
