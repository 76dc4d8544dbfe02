"""How an index is chosen, measured and tuned, and what takes its place where it misses the target."""

import numpy as np
import pytest

from mirante.errors import DataError, StoreError, UnknownName, UsageError
from mirante.indexes import _building, _tuning, build_index, exact, open_index
from mirante.indexes._building import choose
from mirante.indexes._structures import Lists
from mirante.indexes._tuning import Effort, Sample, Tuned, interval
from mirante.types import Embeddings, Provenance

GB = 10**9
MEASURED = Tuned(Effort(4), 0.95, 0.97, 0.96, 0.98, 10, 100, "captions", 0.5, 1000)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def data():
    """3,000 rows in 60 loose clusters, and 400 queries near the clusters."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(60, 16))
    rows = unit(centres[np.arange(3_000) % 60] + 0.7 * random.normal(size=(3_000, 16)))
    queries = unit(centres[np.arange(400) % 60] + 0.7 * random.normal(size=(400, 16)))
    return Embeddings(tuple(f"row{at:04}" for at in range(3_000)), rows, Provenance("toy", "r", "p")), queries


def recall(index, rows, queries):
    """The oracle's own: ids found among the exact ten."""
    wanted = exact.over(rows.ids, rows.vectors).search(queries, 10)[0]
    found = index.search(queries, 10)[0]
    return np.mean([len(set(one) & set(other)) / 10 for one, other in zip(found, wanted, strict=True)])


@pytest.mark.parametrize(
    ("rows", "dim", "memory", "kinds", "reason"),
    [
        (24_000, 512, 16 * GB, ("exact",), "few"),
        (25_000, 512, 16 * GB, ("faiss-ivf-flat", "exact"), "fits"),
        (100_000, 64, 16 * GB, ("exact",), "few"),
        (1_000_000, 512, 4_096_000_000, ("faiss-ivf-flat", "exact"), "fits"),
        (1_000_000, 512, 4_095_999_999, ("faiss-ivf-pq", "exact"), "codes"),
    ],
)
def test_auto_chooses_by_rows_width_and_memory(rows, dim, memory, kinds, reason):
    found = choose("auto", rows, dim, memory)
    assert (found.kinds, found.reason, found.needed) == (kinds, reason, 4 * rows * dim)


def test_without_the_library_auto_compares_all_rows_and_says_why(monkeypatch):
    monkeypatch.setattr(_building, "find_spec", lambda name: None)
    found = choose("auto", 10**6, 512, 16 * GB)
    assert (found.kinds, found.reason) == (("exact",), "no-faiss")


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        ("exact", ("exact",)),
        ("faiss-flat", ("faiss-flat", "exact")),
        ("faiss-hnsw", ("faiss-hnsw", "faiss-ivf-flat", "exact")),
        ("faiss-binary", ("faiss-binary", "faiss-ivf-pq", "faiss-ivf-flat", "exact")),
    ],
)
def test_a_kind_that_was_asked_for_comes_first_and_exact_last(kind, kinds):
    assert choose(kind, 10**6, 512, 0).kinds == kinds


@pytest.mark.parametrize("kind", ["faiss-ivf-flat", "faiss-hnsw", "faiss-binary"])
def test_the_recall_asked_for_is_reached_on_fresh_queries(data, kind):
    rows, queries = data
    built = build_index(kind, rows, captions=queries[:200], recall=0.9)
    (attempt,) = built.attempts
    assert (built.kind, attempt.missed, attempt.tuned.source) == (kind, None, "captions")
    assert attempt.tuned.recall >= 0.9
    assert recall(built.index, rows, queries[200:]) >= 0.88


def test_what_was_measured_is_what_the_oracle_says_of_the_second_half(data):
    rows, queries = data
    built = build_index("faiss-ivf-flat", rows, captions=queries[:200], recall=0.9)
    told = built.attempts[-1].tuned
    assert told.recall == pytest.approx(recall(built.index, rows, queries[1:200:2]), abs=1e-4)
    assert (told.queries, told.rows, told.k, told.target) == (100, 3_000, 10, 0.9)
    assert told.low < told.recall < told.high


def test_a_higher_target_takes_more_effort(data):
    rows, queries = data
    lists = [
        build_index("faiss-ivf-flat", rows, captions=queries, recall=target).index.describe()["lists_searched"]
        for target in (0.5, 0.9, 1.0)
    ]
    assert lists[0] < lists[1] < lists[2]


def test_without_a_target_the_recall_is_measured_and_the_effort_is_the_kinds_own(data):
    rows, queries = data
    built = build_index("faiss-ivf-flat", rows, captions=queries)
    told = built.index.describe()
    assert (told["lists_searched"], told["recall_queries"], told["recall_target"]) == (16, 400, 0.0)
    assert told["recall"] == pytest.approx(recall(built.index, rows, queries), abs=1e-4)


def test_without_captions_rows_are_left_out_asked_and_added(data):
    rows, _ = data
    built = build_index("faiss-ivf-flat", rows, recall=0.9)
    told = built.index.describe()
    assert (told["rows"], told["deleted"], told["recall_rows"], told["recall_changed"]) == (3_000, 0, 2_700, 0)
    assert (told["recall_source"], told["recall_queries"]) == ("held-out rows", 150)
    assert built.index.search(rows.vectors, 1)[0] == [[one] for one in rows.ids]


def test_rows_that_are_asked_are_not_among_the_answers(data, monkeypatch):
    rows, _ = data
    seen = []
    monkeypatch.setattr(_tuning, "tune", lambda index, sample, target: seen.append((len(index), sample)) or MEASURED)
    build_index("faiss-ivf-flat", rows, recall=0.9)
    ((size, sample),) = seen
    assert size == 2_700
    scores = sample.queries.astype(float) @ rows.vectors.T.astype(float)
    asked = scores.max(axis=0) > 0.9999
    assert asked.sum() == len(sample.queries) == 300
    np.testing.assert_allclose(sample.least, np.sort(scores[:, ~asked], axis=1)[:, -10], atol=1e-6)


def test_a_kind_that_cannot_reach_the_target_is_named_and_another_takes_its_place(data, monkeypatch):
    rows, queries = data
    monkeypatch.setattr(Lists, "reaches", [1])
    built = build_index("faiss-ivf-flat", rows, captions=queries, recall=0.999)
    assert [(one.kind, one.missed) for one in built.attempts] == [("faiss-ivf-flat", "recall"), ("exact", None)]
    assert built.attempts[0].tuned.recall < 0.9
    assert (built.kind, built.index.describe()["structure"]) == ("exact", "exact")


def test_auto_prefers_comparing_all_rows_to_a_slower_index(data, monkeypatch):
    rows, queries = data
    monkeypatch.setattr(_building, "_SMALL", 0)
    for slow, expected in ((True, [("faiss-ivf-flat", "slow"), ("exact", None)]), (False, [("faiss-ivf-flat", None)])):
        times = {False: 1.0, True: 2.0 if slow else 0.5}  # by whether the index is approximate
        monkeypatch.setattr(_tuning, "timed", lambda index, sample, times=times: times[hasattr(index, "efforts")])
        built = build_index("auto", rows, captions=queries, memory=GB)
        assert [(one.kind, one.missed) for one in built.attempts] == expected
        assert built.attempts[0].tuned.target == 0.98


def test_without_enough_queries_nothing_is_claimed(data):
    rows, queries = data
    built = build_index("faiss-ivf-flat", rows, captions=queries[:19], recall=0.9)
    assert [(one.kind, one.missed, one.tuned) for one in built.attempts] == [
        ("faiss-ivf-flat", "unmeasured", None),
        ("exact", None, None),
    ]
    measured = build_index("faiss-ivf-flat", rows, captions=queries[:19])
    assert "recall" not in measured.index.describe()


def test_a_structure_that_comes_only_with_the_rows_left_out_is_not_kept_unmeasured(data):
    rows, _ = data
    few = rows.select(rows.ids[:1_050])
    built = build_index("faiss-ivf-flat", few, recall=0.9)
    assert [(one.kind, one.missed) for one in built.attempts] == [("faiss-ivf-flat", "unmeasured"), ("exact", None)]


@pytest.mark.parametrize(("kind", "count"), [("exact", 3_000), ("faiss-flat", 3_000), ("faiss-hnsw", 500)])
def test_where_nothing_is_overlooked_nothing_is_measured(data, kind, count):
    rows, queries = data
    built = build_index(kind, rows.select(rows.ids[:count]), captions=queries, recall=1.0)
    assert [(one.kind, one.missed, one.tuned) for one in built.attempts] == [(kind, None, None)]


@pytest.mark.parametrize("wrong", [0.0, -1.0, 1.01, float("nan")])
def test_a_recall_that_cannot_be_is_refused(data, wrong):
    with pytest.raises(UsageError, match="above 0 and at most 1"):
        build_index("exact", data[0], recall=wrong)


def test_wrong_calls_are_refused(data):
    with pytest.raises(UnknownName, match="Unknown index 'exakt'"):
        build_index("exakt", data[0])
    twice = Embeddings(("a", "a"), data[0].vectors[:2], data[0].provenance)
    with pytest.raises(DataError, match="1 ids stand twice"):
        build_index("exact", twice)


def test_a_saved_index_keeps_its_effort_and_its_figure(data, tmp_path):
    rows, queries = data
    index = build_index("faiss-ivf-flat", rows, captions=queries, recall=0.9).index
    index.save(tmp_path)
    again = open_index("faiss-ivf-flat", tmp_path)
    assert again.describe() == index.describe()
    assert again.effort == index.effort
    (tmp_path / "tuned.json").write_text('{"effort": 3}')
    with pytest.raises(StoreError, match=r"tuned\.json' cannot be read"):
        open_index("faiss-ivf-flat", tmp_path)


def test_changes_are_counted_and_a_tenth_of_the_rows_ends_the_figure(data):
    rows, queries = data
    index = build_index("faiss-ivf-flat", rows, captions=queries, recall=0.9).index
    index.delete(rows.ids[:200])
    index.add(rows.ids[:100], rows.vectors[:100])
    told = index.describe()
    assert (told["recall_changed"], told["recall_holds"]) == (300, True)
    index.delete(["row2999"])
    assert index.describe()["recall_holds"] is False


def test_a_structure_made_anew_ends_the_figure_however_few_rows_changed():
    after = MEASURED.after(1, anew=Effort(9))
    assert (after.effort, after.changed, after.holds, after.recall) == (Effort(9), 1, False, MEASURED.recall)
    assert MEASURED.after(1).holds
    assert not after.after(0).holds


def test_lists_trained_anew_keep_the_share_searched_and_end_the_figure(data):
    rows, queries = data
    index = build_index("faiss-ivf-flat", rows.select(rows.ids[:1_000]), captions=queries, recall=0.9).index
    before = index.describe()
    more = unit(np.random.default_rng(5).normal(size=(3_000, 16)))
    index.add([f"more{at}" for at in range(3_000)], more)
    told = index.describe()
    assert (before["lists"], told["lists"]) == (25, 102)
    assert told["lists_searched"] == int(np.ceil(before["lists_searched"] * 102 / 25))
    assert (told["recall_holds"], told["recall"]) == (False, before["recall"])


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ([1.0] * 20, (1.0, 0.8389, 1.0)),  # Wilson: 20 / (20 + 1.96²)
        ([0.0] * 20, (0.0, 0.0, 0.1611)),
        ([1.0, 0.0] * 50, (0.5, 0.4033, 0.5967)),  # 99 that vary fully: .5 ± 1.96 / (2 √(99 + 1.96²))
    ],
)
def test_the_interval_is_wilsons(hits, expected):
    found = interval(np.array(hits))
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=1e-4)


def test_shares_that_vary_little_narrow_the_interval():
    loose = interval(np.array([1.0, 0.8] * 50))
    assert loose.value == 0.9
    assert 0.01 < loose.high - loose.low < 0.05


class Stairs:
    """An index whose recall is known for each effort: reach 1, 2, … finds so many of ten answers."""

    efforts = (tuple(Effort(reach) for reach in range(1, 11)),)

    def __init__(self):
        self.effort, self.calls = Effort(1), []

    def try_effort(self, effort):
        self.effort = effort

    def __len__(self):
        return 100

    def search(self, queries, k):
        self.calls.append(self.effort.reach)
        scores = np.where(np.arange(10) < self.effort.reach, 1.0, 0.1).astype(np.float32)
        return [["x"] * 10] * len(queries), np.tile(scores, (len(queries), 1))


SAMPLE = Sample(np.zeros((40, 1), np.float32), np.full(40, 0.5, np.float32), 10, "captions")


@pytest.mark.parametrize(("target", "reach"), [(0.1, 1), (0.25, 3), (0.7, 7), (1.0, 10)])
def test_the_least_effort_that_is_enough_is_found(target, reach):
    found = _tuning.tune(Stairs(), SAMPLE, target)
    assert (found.effort.reach, found.recall, found.queries) == (reach, pytest.approx(reach / 10), 20)


def test_where_the_second_half_falls_short_the_effort_rises():
    sample = Sample(SAMPLE.queries, np.where(np.arange(40) % 2, 2.0, 0.5).astype(np.float32), 10, "captions")

    class Later(Stairs):
        def search(self, queries, k):
            ids, scores = super().search(queries, k)
            return ids, scores + (2 if self.effort.reach > 8 else 0)

    found = _tuning.tune(Later(), sample, 0.5)
    assert (found.effort.reach, found.recall) == (9, 1.0)


def test_of_two_lines_the_faster_is_taken(monkeypatch):
    index = Stairs()
    index.efforts = ((Effort(5, 1), Effort(6, 1)), (Effort(5, 2), Effort(6, 2)))
    monkeypatch.setattr(_tuning, "timed", lambda index, sample: 9.0 / index.effort.rescored)
    assert _tuning.tune(index, SAMPLE, 0.6).effort == Effort(6, 2)


def test_an_effort_that_is_enough_by_luck_alone_is_not_taken():
    """20 of 40 shares are 1, the others 0.9: a mean of 0.95, and 0.937 surely."""
    hits = np.array([1.0, 0.9] * 20)
    assert _tuning._surely(hits, 0.93)
    assert not _tuning._surely(hits, 0.945)


def test_lists_are_looked_at_in_rising_numbers_up_to_all():
    class Hundred(Lists):
        lists = 100

    assert Hundred(None).reaches == [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 100]
