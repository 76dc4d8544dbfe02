"""Metric truth: cases computed by hand, and agreement with trec_eval."""

import math

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from mirante.errors import UnknownName
from mirante.evaluation.metrics import metric
from mirante.evaluation.ranks import NOT_RETRIEVED, Ranks, ranks_from_run
from mirante.types import Qrels, Run

TWINS = {
    "hit_rate@1": "success_1",
    "hit_rate@3": "success_3",
    "hit_rate@10": "success_10",
    "recall@1": "recall_1",
    "recall@3": "recall_3",
    "recall@10": "recall_10",
    "mrr": "recip_rank",
    "ndcg@1": "ndcg_cut_1",
    "ndcg@3": "ndcg_cut_3",
    "ndcg@10": "ndcg_cut_10",
    "map": "map",
}
MEASURES = {"success.1,3,10", "recall.1,3,10", "ndcg_cut.1,3,10", "recip_rank", "map"}
IDS = [f"d{at}" for at in range(12)] + ["D", "é", "日", "𝄞", "a/b", "a-b"]


def ranks(*of_queries: list[int]) -> Ranks:
    flat = [one for query in of_queries for one in query]
    offsets = np.cumsum([0, *(len(query) for query in of_queries)])
    return Ranks(tuple(f"q{at}" for at in range(len(of_queries))), np.array(flat, np.int64), offsets)


# Two images ask four texts, two of which are right for each: ranks 1 and 3 for the first, 2 and 4 for the second.
TWO_IMAGES = ranks([1, 3], [2, 4])
# Four texts ask two images.
FOUR_TEXTS = ranks([1], [2], [1], [2])
LOST = ranks([1, NOT_RETRIEVED], [NOT_RETRIEVED])


@pytest.mark.parametrize(
    ("name", "of", "expected"),
    [
        ("hit_rate@1", TWO_IMAGES, [1, 0]),
        ("hit_rate@2", TWO_IMAGES, [1, 1]),
        ("recall@1", TWO_IMAGES, [1 / 2, 0]),
        ("recall@3", TWO_IMAGES, [1, 1 / 2]),
        ("recall@4", TWO_IMAGES, [1, 1]),
        ("mrr", TWO_IMAGES, [1, 1 / 2]),
        ("map", TWO_IMAGES, [(1 / 1 + 2 / 3) / 2, (1 / 2 + 2 / 4) / 2]),
        ("ndcg@1", TWO_IMAGES, [1, 0]),
        (
            "ndcg@10",
            TWO_IMAGES,
            [1.5 / (1 + 1 / math.log2(3)), (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3))],
        ),
        ("median_rank", TWO_IMAGES, [1, 2]),
        ("hit_rate@1", FOUR_TEXTS, [1, 0, 1, 0]),
        ("recall@1", FOUR_TEXTS, [1, 0, 1, 0]),
        ("mrr", FOUR_TEXTS, [1, 1 / 2, 1, 1 / 2]),
        ("map", FOUR_TEXTS, [1, 1 / 2, 1, 1 / 2]),
        ("ndcg@10", FOUR_TEXTS, [1, 1 / math.log2(3), 1, 1 / math.log2(3)]),
        ("hit_rate@10", LOST, [1, 0]),
        ("recall@1000000", LOST, [1 / 2, 0]),
        ("mrr", LOST, [1, 0]),
        ("map", LOST, [1 / 2, 0]),
        ("ndcg@10", LOST, [1 / (1 + 1 / math.log2(3)), 0]),
        ("median_rank", LOST, [1, math.inf]),
    ],
)
def test_by_hand(name: str, of: Ranks, expected: list[float]) -> None:
    assert metric(name).values(of).tolist() == pytest.approx(expected, abs=1e-15)


def test_the_figure_is_the_mean_and_for_ranks_the_median() -> None:
    assert metric("mrr")(FOUR_TEXTS) == 0.75
    assert metric("median_rank")(ranks([1], [2], [50])) == 2
    assert metric("median_rank")(FOUR_TEXTS) == 1.5


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("recal@10", "Did you mean 'recall@10'"),
        ("recall", "Did you mean 'recall@"),
        ("hit_rate@0", "Did you mean"),
        ("ndcg@ten", "Did you mean"),
        ("mrr@10", "Did you mean 'mrr'"),
        ("ndcg@-1", "Did you mean"),
        ("ndcg@²", "Did you mean"),
    ],
)
def test_an_unknown_metric_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UnknownName, match=hint):
        metric(name)


@st.composite
def judged_runs(draw: st.DrawFn) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    """Some queries have no answers, some no relevant document; scores tie often; relevant ones may be missing."""
    names = [f"q{at}" for at in range(draw(st.integers(1, 5)))]
    score = st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.333333343, 0.5, 1.0, -1.5]) | st.floats(-1, 1)
    answers = {name: draw(st.dictionaries(st.sampled_from(IDS), score, max_size=len(IDS))) for name in names}
    grades = {name: draw(st.dictionaries(st.sampled_from(IDS), st.integers(0, 1), min_size=1)) for name in names}
    grades["q0"][draw(st.sampled_from(IDS))] = 1
    return answers, grades


def as_run(answers: dict[str, dict[str, float]]) -> Run:
    """Shuffled nowhere, sorted nowhere: the order is ours to find."""
    depth = max(len(found) for found in answers.values())
    indices = np.full((len(answers), depth), -1, np.int32)
    scores = np.full((len(answers), depth), -np.inf, np.float32)
    for row, found in enumerate(answers.values()):
        indices[row, : len(found)] = [IDS.index(one) for one in found]
        scores[row, : len(found)] = list(found.values())
    return Run(tuple(answers), tuple(IDS), indices, scores)


@settings(max_examples=120, deadline=None)
@given(judged_runs())
def test_agrees_with_trec_eval(judged: tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]) -> None:
    answers, grades = judged
    asked = {query: found for query, found in answers.items() if found}  # trec_eval has no word for an empty answer
    theirs = pytrec_eval.RelevanceEvaluator(grades, MEASURES).evaluate(asked) if asked else {}

    ours = ranks_from_run(as_run(answers), Qrels(grades))

    assert set(ours.queries) == {query for query, found in grades.items() if any(found.values())}
    for name, twin in TWINS.items():
        for query, value in zip(ours.queries, metric(name).values(ours).tolist(), strict=True):
            expected = theirs[query][twin] if query in theirs else 0.0
            assert value == pytest.approx(expected, abs=1e-9), (name, query)


def random_judged(random: np.random.Generator) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    """One to four queries: empty answers, scores on a grid of five, up to all documents relevant, some not ranked."""
    answers: dict[str, dict[str, float]] = {}
    grades: dict[str, dict[str, int]] = {}
    for at in range(int(random.integers(1, 5))):
        size = 0 if random.random() < 0.15 else int(random.integers(1, len(IDS) + 1))
        found = random.permutation(len(IDS))[:size]
        coarse = random.random() < 0.7
        scores = random.integers(0, 5, size) / 4 if coarse else random.standard_normal(size)
        answers[f"q{at}"] = {IDS[place]: float(score) for place, score in zip(found, scores, strict=True)}
        share = random.choice([0.1, 0.5, 1.0])
        grades[f"q{at}"] = {one: int(random.random() < share) for one in IDS if random.random() < 0.9} or {IDS[0]: 0}
    grades["q0"][IDS[int(random.integers(len(IDS)))]] = 1
    return answers, grades


@pytest.mark.slow
def test_agrees_with_trec_eval_on_ten_thousand_random_runs() -> None:
    random = np.random.default_rng(20261121)
    runs = compared = tied = empty = many = 0
    while runs < 10_000:
        answers, grades = random_judged(random)
        asked = {query: found for query, found in answers.items() if found}
        theirs = pytrec_eval.RelevanceEvaluator(grades, MEASURES).evaluate(asked) if asked else {}
        ours = ranks_from_run(as_run(answers), Qrels(grades))
        found = {name: metric(name).values(ours).tolist() for name in TWINS}
        for at, query in enumerate(ours.queries):
            for name, twin in TWINS.items():
                expected = theirs[query][twin] if query in theirs else 0.0
                assert abs(found[name][at] - expected) < 1e-9, (name, query, answers, grades)
            compared += 1
            tied += len(set(answers[query].values())) < len(answers[query])
            empty += not answers[query]
            many += sum(grades[query].values()) >= 5
        runs += 1
    assert runs == 10_000
    assert compared > 20_000
    assert min(tied, empty, many) > 3_000, (tied, empty, many)
