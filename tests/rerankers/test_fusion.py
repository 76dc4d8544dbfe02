"""Fusion of runs, worked out by hand, and of a run with a re-ranker's order inside a chain."""

from collections import defaultdict
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirante.errors import DataError, ModelError, UnknownName, UsageError
from mirante.rerankers import Candidates, Collection, chain, rerank
from mirante.rerankers.expansion import Expansion
from mirante.rerankers.fusion import Fusion, reciprocal_rank, weighted
from mirante.rerankers.reciprocal import Reciprocal
from mirante.types import Embeddings, Picture, Provenance, Run


def run(answers, name="run", spare=()):
    """A run of query → {document: score}, best first, its documents numbered in an order of its own."""
    documents = (*spare, *dict.fromkeys(one for found in answers.values() for one in reversed(found)))
    depth = max(map(len, answers.values()), default=0)
    indices = np.full((len(answers), depth), -1, np.int32)
    scores = np.full((len(answers), depth), -np.inf, np.float32)
    for row, found in enumerate(answers.values()):
        indices[row, : len(found)] = [documents.index(one) for one in found]
        scores[row, : len(found)] = list(found.values())
    return Run(tuple(answers), documents, indices, scores, name)


def rankings(fused):
    return {query: fused.ranking(query) for query in fused.queries}


def ids(fused, query):
    return [one for one, _ in fused.ranking(query)]


def close(found, wanted):
    assert [one for one, _ in found] == list(wanted)
    np.testing.assert_allclose([score for _, score in found], [float(one) for one in wanted.values()], rtol=1e-6)


FIRST = run({"q": {"a": 0.9, "b": 0.5, "c": 0.4}}, "first")
SECOND = run({"q": {"b": 30.0, "d": 20.0, "a": 10.0}}, "second", spare=("z", "never"))


def test_reciprocal_ranks_are_summed_and_what_a_run_lacks_gives_nothing():
    fused = reciprocal_rank([FIRST, SECOND])
    wanted = {
        "b": Fraction(1, 62) + Fraction(1, 61),
        "a": Fraction(1, 61) + Fraction(1, 63),
        "d": Fraction(1, 62),
        "c": Fraction(1, 63),
    }
    close(fused.ranking("q"), wanted)
    assert fused.name == "rrf(first,second)"
    assert fused.indices.dtype == np.int32
    assert fused.scores.dtype == np.float32


def test_k_says_how_much_the_first_ranks_stand_out():
    """With k = 0 a first place is worth more than two third ones; with k = 60 it is not."""
    one = run({"q": {"top": 3.0, "x": 2.0, "even": 1.0}})
    other = run({"q": {"y": 3.0, "z": 2.0, "even": 1.0}})
    assert ids(reciprocal_rank([one, other], k=0), "q") == ["y", "top", "even", "z", "x"]
    assert ids(reciprocal_rank([one, other]), "q")[0] == "even"


def test_weighted_scores_are_spread_over_0_to_1():
    """first: a 1, b 0.2, c 0; second: b 1, d 0.5, a 0; what is lacking is 0."""
    fused = weighted([FIRST, SECOND], [0.75, 0.25])
    close(fused.ranking("q"), {"a": 0.75, "b": 0.75 * 0.2 + 0.25, "d": 0.125, "c": 0.0})
    assert fused.name == "weighted(first,second)"


def test_standardised_scores_have_mean_0_and_what_is_lacking_gets_the_last_ones():
    """Of 30, 20, 10 the deviation is √(200/3); a run that lacks `c` gives it what its last answer has."""
    one = run({"q": {"a": 30.0, "b": 20.0, "c": 10.0}})
    other = run({"q": {"b": 5.0, "a": 3.0}})
    step = 10 / (200 / 3) ** 0.5
    fused = weighted([one, other], [1, 1], scale="z")
    close(fused.ranking("q"), {"b": 1.0, "a": step - 1, "c": -step - 1})


def test_scores_that_are_all_equal_are_1_each():
    one, other = run({"q": {"b": 4.0, "a": 4.0}}), run({"q": {"c": 2.0, "a": 1.0}})
    close(weighted([one, other], [0.5, 0.5]).ranking("q"), {"c": 0.5, "b": 0.5, "a": 0.5})
    close(weighted([one, other], [0.5, 0.5], scale="z").ranking("q"), {"c": 0.5, "b": -0.5, "a": -0.5})


def test_equal_totals_put_the_later_id_first():
    one, other = run({"q": {"img-10": 2.0, "img-9": 1.0}}), run({"q": {"img-9": 2.0, "img-10": 1.0}})
    for fused in (reciprocal_rank([one, other]), weighted([one, other], [1, 1])):
        assert ids(fused, "q") == ["img-9", "img-10"]


def test_a_query_that_one_run_lacks_keeps_the_others_order():
    one, other = run({"q": {"a": 2.0, "b": 1.0}}), run({"p": {"c": 1.0}, "q": {"b": 1.0}})
    fused = reciprocal_rank([one, other])
    assert fused.queries == ("q", "p")
    assert (ids(fused, "q"), ids(fused, "p")) == (["b", "a"], ["c"])
    assert fused.indices.shape == (2, 2)
    assert (fused.indices[1, 1], fused.scores[1, 1]) == (-1, -np.inf)


ANSWERS = st.dictionaries(
    st.sampled_from("abcdefg"), st.integers(-8, 8).map(float), min_size=1, max_size=6
).map(lambda found: dict(sorted(found.items(), key=lambda one: (one[1], one[0]), reverse=True)))  # fmt: skip
RUNS = st.lists(st.fixed_dictionaries({"q": ANSWERS}, optional={"p": ANSWERS}).map(run), min_size=1, max_size=4)


def in_fractions(runs, k):
    """Reciprocal rank fusion without rounding."""
    totals = defaultdict(lambda: defaultdict(Fraction))
    for one in runs:
        for query in one.queries:
            for rank, (document, _) in enumerate(one.ranking(query), 1):
                totals[query][document] += Fraction(1, k + rank)
    return {
        query: sorted(found, key=lambda one: (found[one], one), reverse=True) for query, found in totals.items()
    }  # fmt: skip


@given(RUNS, st.sampled_from([0, 1, 60]))
@settings(max_examples=60, deadline=None)
def test_reciprocal_rank_agrees_with_exact_fractions(runs, k):
    fused = reciprocal_rank(runs, k)
    assert {query: ids(fused, query) for query in fused.queries} == in_fractions(runs, k)


@given(RUNS, st.lists(st.sampled_from([0.1, 0.3, 1.0, 2.5]), min_size=4, max_size=4), st.sampled_from(["min-max", "z"]))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_runs_changes_nothing(runs, weights, scale):
    given_weights = list(zip(runs, weights, strict=False))
    ranked, mixed = rankings(reciprocal_rank(runs)), rankings(weighted(runs, weights[: len(runs)], scale=scale))
    for order in permutations(given_weights):
        shuffled, shares = [one for one, _ in order], [share for _, share in order]
        assert rankings(reciprocal_rank(shuffled)) == ranked
        assert rankings(weighted(shuffled, shares, scale=scale)) == mixed


def test_rounding_does_not_depend_on_the_order_of_the_runs():
    """1e17 + 1 − 1e17 is 0 or 1, as it is added up."""
    one, other = run({"q": {"a": 2.0, "b": 1.0}}), run({"q": {"b": 2.0, "a": 1.0}})
    shares = [(one, 1e17), (one, 1.0), (other, 1e17)]
    found = [
        rankings(weighted([run for run, _ in order], [share for _, share in order], scale="z"))
        for order in permutations(shares)
    ]
    assert all(fused == found[0] for fused in found)


@given(RUNS)
@settings(max_examples=30, deadline=None)
def test_a_run_fused_with_itself_keeps_its_order(runs):
    for fused in (reciprocal_rank([runs[0]] * 3), weighted([runs[0]] * 2, [0.2, 0.8])):
        assert {query: ids(fused, query) for query in fused.queries} == {
            query: ids(runs[0], query) for query in runs[0].queries
        }


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: reciprocal_rank([]), UsageError, "No run was given"),
        (lambda: reciprocal_rank([FIRST], -1), UsageError, "0 or more, not -1"),
        (lambda: reciprocal_rank([FIRST], float("nan")), UsageError, "0 or more, not nan"),
        (lambda: weighted([FIRST, SECOND], [1]), UsageError, r"2 runs need a weight each.*not \[1\]"),
        (lambda: weighted([FIRST, SECOND], [1, -1]), UsageError, r"not \[1, -1\]"),
        (lambda: weighted([FIRST, SECOND], [0, 0]), UsageError, "one above 0"),
        (lambda: weighted([FIRST], [1], scale="max"), UnknownName, "Did you mean 'min-max'"),
        (lambda: weighted([run({"q": {"a": np.inf, "b": 1}})], [1]), DataError, "the score inf"),
        (lambda: reciprocal_rank([FIRST, run({"p": {"a": 1}}, "other")]), DataError, "'first' and 'other' have no"),
    ],
)  # fmt: skip
def test_what_cannot_be_fused_is_one_message(call, error, message):
    with pytest.raises(error, match=message):
        call()


class By:
    """Scores by id."""

    name = "by"

    def __init__(self, **scores):
        self.scores = scores

    def score(self, candidates):
        return np.array([self.scores[one.id] for one in candidates.pictures], np.float32)


def candidates(names, scores):
    rows = np.eye(len(names), dtype=np.float32)
    pictures = [Picture(one, one, lambda: None) for one in names]
    return Candidates("text", pictures, np.array(scores, np.float32), rows[0], rows)


def test_a_run_and_a_reranker_are_fused_by_rank():
    """Came as a, b, c; the re-ranker says c, b, a."""
    found = Fusion(By(a=-5, b=0, c=100)).score(candidates("abc", [0.9, 0.8, 0.1]))
    np.testing.assert_allclose(found, [1 / 61 + 1 / 63, 2 / 62, 1 / 63 + 1 / 61], rtol=1e-6)


def test_a_run_and_a_reranker_are_fused_by_weight():
    """Came as 1, 0.875, 0; the re-ranker says 0, 0.2, 1, and counts a quarter."""
    found = Fusion(By(a=-5, b=-3, c=5), 0.25).score(candidates("abc", [0.9, 0.8, 0.1]))
    np.testing.assert_allclose(found, [0.75, 0.75 * 0.875 + 0.25 * 0.2, 0.25], rtol=1e-6)


def test_candidates_that_the_reranker_holds_equal_are_ranked_by_the_later_id():
    """The re-ranker's order is d, c, b: the tie of b and c goes to c."""
    found = Fusion(By(b=1, c=1, d=2)).score(candidates("bcd", [0.3, 0.2, 0.1]))
    np.testing.assert_allclose(found, [1 / 61 + 1 / 63, 1 / 62 + 1 / 62, 1 / 63 + 1 / 61], rtol=1e-6)


def test_a_reranker_that_gives_no_number_is_named():
    with pytest.raises(ModelError, match="'by' gave the 2 candidates of 'text' no finite scores"):
        Fusion(By(a=np.nan, b=1)).score(candidates("ab", [0.3, 0.2]))


def test_fusion_is_opened_with_and_without_a_weight():
    assert chain(["fusion:expansion"], None) == (Fusion(Expansion()),)
    assert chain(["fusion:expansion:5"], None) == (Fusion(Expansion(pictures=5)),)
    assert chain(["fusion:0.3@reciprocal:0.5"], None) == (Fusion(Reciprocal(weight=0.5), 0.3),)
    assert chain(["fusion:fusion:0@expansion"], None)[0].name == "fusion:fusion:0@expansion"


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("fusion", UsageError, "needs a re-ranker"),
        ("fusion:0.3@", UsageError, "needs a re-ranker"),
        ("fusion:1.5@expansion", UsageError, "from 0 to 1, not '1.5'"),
        ("fusion:half@expansion", UsageError, "from 0 to 1, not 'half'"),
        ("fusion:expansio", UnknownName, "Did you mean 'expansion'"),
        ("fusion:0.3@expansion:0", UsageError, "from 1, not '0'"),
    ],
)
def test_a_wrong_address_is_one_message(address, error, message):
    with pytest.raises(error, match=message):
        chain([address], None)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_chain_composes_through_rerank():
    """Each link gets the run that the one before it left; the tail below the depth never moves."""
    rng, names, queries = np.random.default_rng(0), tuple("abcdefghijklmnopqrstuvwx"), ("q0", "q1", "q2", "q3")
    documents, texts = unit(rng.normal(size=(24, 4))), unit(rng.normal(size=(4, 4)))
    cosines = texts @ documents.T
    best = np.argsort(-cosines, axis=1).astype(np.int32)
    base = Run(queries, names, best, np.take_along_axis(cosines, best, axis=1), "base")
    made, pictures = Provenance("toy", "1", "p"), {one: Picture(one, one, lambda: None) for one in names}
    about = Collection(
        dict.fromkeys(queries, "t"), pictures, Embeddings(queries, texts, made), Embeddings(names, documents, made)
    )

    done = base
    for link in chain(["reciprocal", "fusion:expansion"], None):
        done = rerank(done, link, about, depth=20)

    first = rerank(base, Reciprocal(), about, depth=20)
    second = rerank(first, Expansion(), about, depth=20)
    assert done.name == "base+reciprocal+fusion:expansion"
    for query in queries:
        came, other = ids(first, query)[:20], ids(second, query)[:20]
        totals = {one: Fraction(1, 61 + came.index(one)) + Fraction(1, 61 + other.index(one)) for one in came}
        assert ids(done, query)[:20] == sorted(totals, key=lambda one: (totals[one], one), reverse=True)
        assert ids(done, query)[20:] == ids(base, query)[20:]
    for changed, unchanged in ((first, base), (second, first), (done, first)):
        assert any(ids(changed, query) != ids(unchanged, query) for query in queries)
