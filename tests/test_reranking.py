"""The guard of re-ranking: a perfect order reaches the ceiling, a reversed one hurts, the same one changes nothing."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mirante import reranking
from mirante.diagnosis import Leak, Leaks
from mirante.diagnosis.saved import Look, save_looks
from mirante.errors import UnknownName, UsageError
from mirante.evaluation import (
    Judgement,
    Preset,
    Verdict,
    compare_all,
    evaluate_under,
    leading,
    load_results,
    rescore,
    save_results,
    under,
    verdicts,
)
from mirante.evaluation.verdicts import verdict
from mirante.rerankers import Candidates
from mirante.reranking import Chain, open_chain, rerank_all
from mirante.types import Caption, Embeddings, Pairs, Picture, Provenance, Vectors

MADE = Provenance("base", "r", "p")


class Scored:
    """A re-ranker made of a function; it keeps what it was shown."""

    def __init__(self, name: str, score: Callable[[Candidates], Sequence[float]]) -> None:
        self.name, self._score, self.seen = name, score, list[Candidates]()

    def score(self, candidates: Candidates) -> Vectors:
        self.seen.append(candidates)
        return np.array(self._score(candidates), np.float32)


def perfect() -> Scored:
    """Knows that a text ends with the id of its picture, or with the beginning of the ids of its pictures."""
    return Scored("perfect", lambda asked: [one.id.startswith(asked.text.split()[-1]) for one in asked.pictures])


def backwards() -> Scored:
    return Scored("backwards", lambda asked: -asked.scores)


def same() -> Scored:
    return Scored("same", lambda asked: asked.scores)


def picture(one: str) -> Picture:
    return Picture(one, one, lambda: Image.new("RGB", (1, 1)))


def at_degrees(ids: Sequence[str], degrees: Sequence[float]) -> Embeddings:
    radians = np.deg2rad(np.array(degrees, np.float64))
    return Embeddings(tuple(ids), np.stack([np.cos(radians), np.sin(radians)], 1).astype(np.float32), MADE)


COUNT = 40


def evaluated() -> tuple[list[Judgement], Pairs, Embeddings, Embeddings]:
    """Forty images, one a degree, two texts each; both texts of an image lie at one place.

    Images 0 to 9 are found first, 10 to 29 third (their texts lie 1.4 degrees off, nearer to two neighbours), 30 to 39
    around the twentieth (10 degrees off). So R@1 is 1/4 and R@5 3/4.
    """
    off = [0.0] * 10 + [-1.4] * 20 + [-10.0] * 10
    images = [f"i{at:02}" for at in range(COUNT)]
    captions = tuple(Caption(f"{one}-{n}", f"text {n} of {one}", "en") for one in images for n in range(2))
    pairs = Pairs(
        tuple(map(picture, images)), captions, {one.id: frozenset({one.id[:3]}) for one in captions}, "toy:test"
    )
    rows = at_degrees(images, list(range(COUNT)))
    texts = at_degrees([one.id for one in captions], [at + off[at] for at in range(COUNT) for _ in range(2)])
    return evaluate_under(Preset(), rows, texts, pairs, language="en"), pairs, rows, texts


def reranked(*chain: Scored, depth: int = 5, usd_per_hour: float | None = None) -> tuple[list[Judgement], Verdict]:
    """The judgements with the re-ranked one at the end, and the verdict."""
    judged, pairs, images, texts = evaluated()
    judged += rerank_all(judged, Chain(chain, depth, "cpu", usd_per_hour), pairs, images=images, texts=texts)
    (found,) = verdicts([one.result for one in judged], compare_all(one.per_query for one in judged))
    return judged, found


def test_the_base_is_what_the_cases_say() -> None:
    metrics = evaluated()[0][0].result.metrics
    assert [metrics[f"hit_rate@{k}"].value for k in (1, 5)] == [0.25, 0.75]


def test_a_perfect_order_reaches_the_ceiling_and_helps() -> None:
    judged, found = reranked(perfect())
    assert found.word == "helps"
    assert found.ceiling["hit_rate@1"] == found.after["hit_rate@1"].value == found.base["hit_rate@5"].value == 0.75
    assert found.after["hit_rate@5"].value == 0.75
    assert found.after["mrr"].value == pytest.approx(found.ceiling["mrr"])
    assert found.difference == 0.5
    assert 0 < found.low < 0.5 < found.high
    assert found.p_holm < 0.001
    assert (found.metric, found.queries, found.clusters) == ("hit_rate@1", 80, 40)
    assert (found.model, found.reranked, found.chain) == ("base", "base + perfect", ("perfect",))
    assert [one.result.model for one in judged] == ["base", "base", "base + perfect"]
    assert judged[-1].result.protocol == judged[0].result.protocol == found.protocol


def test_a_reversed_order_hurts_and_leaves_the_hit_rate_at_the_cutoff() -> None:
    """What was first is fifth of five; what was third stays third."""
    _, found = reranked(backwards())
    assert found.word == "hurts"
    assert found.after["hit_rate@1"].value == 0.0
    assert found.difference == -0.25
    assert found.high < 0
    assert found.after["hit_rate@5"] == found.base["hit_rate@5"]
    assert found.ceiling["hit_rate@1"] == 0.75


def test_the_same_order_is_no_difference() -> None:
    judged, found = reranked(same())
    assert judged[-1].result.metrics == judged[0].result.metrics
    assert found.word == "no difference shown"
    assert (found.difference, found.p, found.p_holm) == (0.0, 1.0, 1.0)
    assert found.low < 0 < found.high


def test_the_interval_decides_not_the_difference() -> None:
    """Of forty images, the texts of one rise to the first place and those of none fall: that may be chance."""
    chosen = Scored("one", lambda asked: perfect().score(asked) if "i15" in asked.text else asked.scores)
    _, found = reranked(chosen)
    assert found.difference == pytest.approx(1 / 40)
    assert found.low <= 0
    assert found.word == "no difference shown"


def test_each_of_a_chain_works_on_what_the_one_before_left() -> None:
    first, second = backwards(), backwards()
    judged, found = reranked(first, second)
    assert judged[-1].result.metrics == judged[0].result.metrics
    assert found.reranked == "base + backwards + backwards"
    shown = [[one.id for one in by.seen[0].pictures] for by in (first, second)]
    assert shown[1] == shown[0][::-1]
    assert shown[0][0] == "i00"


def test_only_texts_ask_again() -> None:
    by = same()
    judged, _ = reranked(by)
    assert {(one.text[:4], one.language) for one in by.seen} == {("text", "en")}
    assert [one.result.direction for one in judged] == ["text_to_image", "image_to_text", "text_to_image"]
    assert len(by.seen) == 80


def test_time_and_price_follow_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds for 80 queries, at 3.60 USD an hour: 25 ms and 0.025 USD per 1,000; 50 points for 0.025 s."""
    ticks = iter([10.0, 12.0])
    monkeypatch.setattr(reranking.time, "perf_counter", lambda: next(ticks))
    _, found = reranked(perfect(), usd_per_hour=3.6)
    assert found.milliseconds_per_query == 25
    assert found.usd_per_1000_queries == pytest.approx(0.025)
    assert found.points_per_second is not None
    assert found.points_per_second.value == 2000
    assert found.points_per_second.low == 4000 * found.low
    assert (found.candidates, found.depth, found.device) == (5, 5, "cpu")


def test_more_candidates_than_images_are_all_of_them() -> None:
    _, found = reranked(perfect(), depth=1000)
    assert found.candidates == COUNT
    assert found.ceiling["hit_rate@1"] == found.after["hit_rate@1"].value == 1.0


def test_without_a_price_there_is_none() -> None:
    assert reranked(same())[1].usd_per_1000_queries is None


def classes(depth: int) -> Verdict:
    """Thirty names of classes with two images each, of which a name finds the first at rank 1, the second at rank 4.

    Each image also resembles the class before its own, so that the name of that one finds it second or third.
    """
    count = 30
    names = [f"c{at:02}" for at in range(count)]
    rows = np.zeros((2 * count, 3 * count), np.float32)
    for at in range(count):
        before = (at - 1) % count
        for n, (own, other) in enumerate(((0.8, 0.5), (0.3, 0.4))):
            rows[2 * at + n, [at, before]] = own, other
            rows[2 * at + n, count + 2 * at + n] = np.sqrt(1 - own**2 - other**2)
    ids = tuple(f"{name}/{n}" for name in names for n in range(2))
    captions = tuple(Caption(name, f"a picture of {name}") for name in names)
    relevance = {name: frozenset({f"{name}/0", f"{name}/1"}) for name in names}
    pairs = Pairs(tuple(map(picture, ids)), captions, relevance, "classes:test")
    images, texts = Embeddings(ids, rows, MADE), Embeddings(tuple(names), np.eye(count, 3 * count, dtype="f4"), MADE)
    judged = evaluate_under(Preset(), images, texts, pairs)
    judged += rerank_all(judged, Chain((perfect(),), depth), pairs, images=images, texts=texts)
    (found,) = verdicts([one.result for one in judged], compare_all(one.per_query for one in judged))
    return found


def test_names_of_classes_are_judged_by_average_precision() -> None:
    """Precisions 1/1 and 2/4 become 1/1 and 2/2, while the first answer was right before."""
    found = classes(depth=4)
    assert found.metric == leading(found.protocol) == "map"
    assert (found.base["map"].value, found.after["map"].value, found.ceiling["map"]) == (0.75, 1.0, 1.0)
    assert found.base["hit_rate@1"].value == found.after["hit_rate@1"].value == 1.0
    assert (found.difference, found.word) == (0.25, "helps")


def test_what_no_candidate_is_cannot_rise() -> None:
    found = classes(depth=3)
    assert (found.after["map"].value, found.ceiling["map"], found.word) == (0.75, 0.75, "no difference shown")


def test_a_verdict_comes_back_from_the_folder_of_results(tmp_path: Path) -> None:
    judged, found = reranked(perfect(), usd_per_hour=1.0)
    comparisons = compare_all(one.per_query for one in judged)
    saved = save_results(tmp_path, judged, environment={}, comparisons=comparisons)
    (told,) = load_results(tmp_path).reranked
    assert told == saved.reranked[0]
    assert told.base == found.base
    plain = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["reranked"][0]
    assert verdict(plain) == told
    assert (plain["word"], plain["chain"], plain["points_per_second"]["value"] > 0) == ("helps", ["perfect"], True)


def test_a_reranked_result_without_its_base_has_no_verdict() -> None:
    judged, _ = reranked(perfect())
    comparisons = compare_all(one.per_query for one in judged)
    assert verdicts([judged[-1].result], comparisons) == ()
    assert verdicts([one.result for one in judged], ()) == ()
    assert verdicts([one.result for one in judged[:2]], comparisons) == ()


def test_another_protocol_has_other_candidates_so_only_the_base_is_scored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, pairs, images, texts = evaluated()
    chain = Chain((perfect(),), 5)
    judged = [*rerank_all(judged, chain, pairs, images=images, texts=texts), *judged]
    saved = save_results(tmp_path, judged, environment={}, data=[(pairs, "en")])
    monkeypatch.setattr("mirante.evaluation.rescoring.vectors", lambda *_: (images, texts, {}))
    again = rescore(saved, Preset(first_captions=1))
    assert [one.result.model for one in again] == ["base", "base"]


def test_what_its_base_has_learnt_from_spoils_a_reranked_result_too(tmp_path: Path) -> None:
    judged, _ = reranked(perfect())
    saved = save_results(tmp_path, judged, environment={})
    leaks = Leaks("learnt", "toy:test", (Leak("i00", "k", "equal"),), COUNT, 80, frozenset({"i00-0", "i00-1"}))
    (look,) = save_looks(tmp_path, [Look(("base",), leaks)], saved)
    assert [one.model for one in look.figures] == ["base", "base", "base + perfect"]


def test_a_run_holds_as_many_answers_as_will_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a saved run would hold 10 answers, 25 are kept from text to image for a re-ranker."""
    monkeypatch.setattr(under, "FEW_QUERIES", 0)
    monkeypatch.setattr(under, "MANY_QUERIES", 0)
    _, pairs, images, texts = evaluated()
    preset = Preset(languages="each")
    widths = [
        [one.run.indices.shape[1] for one in evaluate_under(preset, images, texts, pairs, answers=answers)]
        for answers in (0, 25)
    ]
    assert widths == [[10, 10], [25, 10]]


def test_a_chain_is_opened_or_refused_before_anything_else() -> None:
    base = type("Base", (), {"provenance": MADE})()
    assert [one.name for one in open_chain(("reciprocal", "expansion"), base).rerankers] == ["reciprocal", "expansion"]
    assert open_chain((), base) == Chain()
    with pytest.raises(UnknownName, match="Did you mean 'reciprocal'"):
        open_chain(("reciprocl",), base)
    with pytest.raises(UsageError, match="at least 1, not 0"):
        open_chain(("reciprocal",), base, depth=0)


def test_without_a_chain_nothing_is_judged_again() -> None:
    judged, pairs, images, texts = evaluated()
    assert rerank_all(judged, Chain(), pairs, images=images, texts=texts) == []
