"""A judged result: figures computed by hand, its protocol, what a report draws, and its folder."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mirante.errors import DataError, ModelMismatch, StoreError, UnknownName
from mirante.evaluation import Settings, evaluate, evaluate_run, load_results, save_results
from mirante.types import Caption, Embeddings, Estimate, Pairs, Picture, Provenance, Run

MADE = Provenance("toy/one", "r1", "p1", "data")
ANGLES = {"cat": 0, "dog": 40, "sea": 80}


def unit(angles: list[float]) -> np.ndarray:
    radians = np.deg2rad(np.array(angles, np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def pairs() -> Pairs:
    """Three pictures; "untitled" is written under two of them."""
    pictures = tuple(Picture(one, one, lambda: Image.new("RGB", (1, 1))) for one in ANGLES)
    captions = (
        Caption("cat-1", "a cat"),
        Caption("cat-2", "Untitled"),
        Caption("dog-1", "a dog"),
        Caption("sea-1", "untitled "),
    )
    relevance = {caption.id: frozenset({caption.id[:3]}) for caption in captions}
    return Pairs(pictures, captions, relevance, "toy:test")


IMAGES = Embeddings(tuple(ANGLES), unit(list(ANGLES.values())), MADE)
# "a cat" and "a dog" hit; both untitled texts lie nearest to the sea (then dog, then cat).
TEXTS = Embeddings(("cat-1", "cat-2", "dog-1", "sea-1"), unit([5, 75, 38, 75]), MADE)


def values(metrics: dict[str, Estimate]) -> dict[str, float]:
    return {name: one.value for name, one in metrics.items()}


def test_text_to_image_as_given() -> None:
    judged = evaluate(IMAGES, TEXTS, pairs(), Settings(equal_captions="as given"))

    assert dict(zip(judged.ranks.queries, judged.ranks.first.tolist(), strict=True)) == {
        "cat-1": 1,
        "cat-2": 3,
        "dog-1": 1,
        "sea-1": 1,
    }
    found = values(judged.result.metrics)
    assert found["hit_rate@1"] == found["recall@1"] == 0.75
    assert found["hit_rate@5"] == 1.0
    assert found["mrr"] == pytest.approx((1 + 1 / 3 + 1 + 1) / 4)
    assert found["median_rank"] == 1.0
    assert "as_given" not in judged.result.details


def test_equal_captions_share_their_positives_and_the_other_protocol_stands_beside() -> None:
    judged = evaluate(IMAGES, TEXTS, pairs(), Settings())

    found = values(judged.result.metrics)
    assert found["hit_rate@1"] == 1.0
    assert found["recall@1"] == pytest.approx((1 + 1 / 2 + 1 + 1 / 2) / 4)
    assert judged.result.protocol.equal_captions == "shared"
    assert judged.qrels.grades["cat-2"] == {"cat": 1, "sea": 1}
    beside = judged.result.details["as_given"]
    assert beside["hit_rate@1"]["value"] == 0.75
    assert beside["hit_rate@1"]["low"] <= 0.75 <= beside["hit_rate@1"]["high"]


def test_nothing_stands_beside_when_no_captions_are_equal() -> None:
    data = pairs()
    data = replace(data, captions=tuple(replace(one, text=one.id) for one in data.captions))
    assert "as_given" not in evaluate(IMAGES, TEXTS, data, Settings()).result.details


def test_image_to_text() -> None:
    judged = evaluate(IMAGES, TEXTS, pairs(), Settings(direction="image_to_text", equal_captions="as given"))

    # cat: cat-1 (5°), dog-1 (38°), then the two at 75°, sea-1 before cat-2 (later id first)
    assert [one for one, _ in judged.run.ranking("cat")] == ["cat-1", "dog-1", "sea-1", "cat-2"]
    assert judged.ranks.ranks.tolist() == [1, 4, 1, 1]
    found = values(judged.result.metrics)
    assert found["hit_rate@1"] == 1.0
    assert found["recall@1"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert found["map"] == pytest.approx(((1 + 2 / 4) / 2 + 1 + 1) / 3)


def test_the_protocol_travels_with_the_figures() -> None:
    result = evaluate(IMAGES, TEXTS, pairs(), Settings(depth=2, language="en", dropped=7)).result
    protocol = result.protocol
    assert (result.model, result.data, result.direction) == ("toy/one", "toy:test", "text_to_image")
    assert (protocol.gallery, protocol.queries, protocol.depth) == (3, 4, 3)  # the figures see the whole gallery
    assert (protocol.language, protocol.dropped) == ("en", 7)
    assert protocol.captions_per_image == pytest.approx(4 / 3)


def test_an_image_without_captions_stays_in_the_gallery_and_asks_nothing() -> None:
    data = pairs()
    extra = Picture("sky", "sky", lambda: Image.new("RGB", (1, 1)))
    data = replace(data, images=(*data.images, extra))
    images = Embeddings((*ANGLES, "sky"), unit([0, 40, 80, 5]), MADE)

    asked_by_text = evaluate(images, TEXTS, data, Settings()).result
    asked_by_image = evaluate(images, TEXTS, data, Settings(direction="image_to_text")).result

    assert (asked_by_text.protocol.gallery, asked_by_text.metrics["hit_rate@1"].value) == (4, 0.75)
    assert (asked_by_image.protocol.queries, asked_by_image.details["unjudged"]) == (3, 1)


def test_what_the_report_draws() -> None:
    judged = evaluate(IMAGES, TEXTS, pairs(), Settings(equal_captions="as given"))
    details = judged.result.details

    assert details["curve"] == {"k": [1, 2, 5, 10, 20, 50, 100], "hit_rate": [0.75, 0.75, 1, 1, 1, 1, 1]}
    assert len(details["histogram"]["edges"]) == 65
    assert (sum(details["histogram"]["positive"]), sum(details["histogram"]["negative"])) == (4, 8)
    assert details["similarity"]["positive"] == pytest.approx(np.cos(np.deg2rad([5, 75, 2, 5])).mean(), abs=1e-6)
    assert set(details["examples"]) == {"best", "worst", "random"}
    worst = details["examples"]["worst"][0]
    assert (worst["query"], worst["text"], worst["image"], worst["rank"]) == ("cat-2", "Untitled", None, 3)
    assert [(hit["id"], hit["relevant"]) for hit in worst["hits"]] == [("sea", False), ("dog", False), ("cat", True)]
    assert worst["wanted"] == [{"id": "cat", "text": None}]
    json.dumps(dict(details), allow_nan=False)


def test_examples_of_image_queries_carry_the_texts_of_their_hits() -> None:
    judged = evaluate(IMAGES, TEXTS, pairs(), Settings(direction="image_to_text"))
    best = next(one for one in judged.result.details["examples"]["best"] if one["query"] == "dog")
    assert (best["text"], best["image"]) == (None, "dog")
    assert (best["hits"][0]["id"], best["hits"][0]["text"], best["hits"][0]["relevant"]) == ("dog-1", "a dog", True)


def test_text_intervals_are_clustered_by_image() -> None:
    """Twenty images with five captions each, all five right or all five wrong: the interval is that of 20 images."""
    names = [f"{at:02}" for at in range(40)]
    pictures = tuple(Picture(one, one, lambda: Image.new("RGB", (1, 1))) for one in names)
    captions = tuple(Caption(f"{one}-{n}", f"{one}-{n}") for one in names for n in range(5))
    data = Pairs(pictures, captions, {c.id: frozenset({c.id[:2]}) for c in captions}, "twenty")
    images = Embeddings(tuple(names), np.eye(40, dtype=np.float32), MADE)
    rows = np.stack([np.eye(40, dtype=np.float32)[int(c.id[:2]) // 2 * 2] for c in captions])  # odd ones are wrong
    found = evaluate(images, Embeddings(tuple(c.id for c in captions), rows, MADE), data, Settings())

    hit = found.result.metrics["hit_rate@1"]
    assert hit.value == 0.5
    assert hit.high - hit.low == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 40), rel=0.15)


def test_vectors_of_two_models_are_refused() -> None:
    other = replace(TEXTS, provenance=replace(MADE, revision="r2"))
    with pytest.raises(ModelMismatch, match=r"toy/one@r1.*toy/one@r2"):
        evaluate(IMAGES, other, pairs(), Settings())


def test_a_missing_vector_and_an_unknown_metric_are_refused() -> None:
    with pytest.raises(DataError, match="1 ids have no embedding, first 'sea'"):
        evaluate(IMAGES.select(["cat", "dog"]), TEXTS, pairs(), Settings())
    with pytest.raises(UnknownName, match="Did you mean 'recall@1'"):
        evaluate(IMAGES, TEXTS, pairs(), Settings(metrics=("recal@1",)))


def test_vectors_beyond_the_pairs_are_left_aside() -> None:
    more = Embeddings((*IMAGES.ids, "other"), np.concatenate([IMAGES.vectors, unit([75])]), MADE)
    assert evaluate(more, TEXTS, pairs()).result.metrics == evaluate(IMAGES, TEXTS, pairs()).result.metrics


def test_a_run_of_another_system_is_judged_under_its_own_depth() -> None:
    run = Run(
        ("cat-1", "dog-1", "sea-1"),
        ("cat", "dog", "sea"),
        np.array([[0], [0], [2]], np.int32),
        np.ones((3, 1), np.float32),
    )
    judged = evaluate_run(run, pairs(), Settings(equal_captions="as given"), provenance=replace(MADE, model="other"))

    assert judged.result.metrics["hit_rate@10"].value == 0.5  # cat-2 was not answered: that is a miss
    assert judged.result.metrics["median_rank"].value == math.inf
    assert (judged.result.model, judged.result.protocol.depth, judged.result.protocol.gallery) == ("other", 1, 3)


def test_judging_its_own_full_run_changes_nothing() -> None:
    for direction in ("text_to_image", "image_to_text"):
        settings = Settings(direction=direction)
        judged = evaluate(IMAGES, TEXTS, pairs(), settings)
        again = evaluate_run(judged.run, pairs(), settings, provenance=MADE)
        assert again.result.metrics == judged.result.metrics
        assert again.result.protocol == judged.result.protocol
        assert again.result.details["as_given"] == judged.result.details["as_given"]


def test_results_come_back_from_their_folder(tmp_path: Path) -> None:
    judged = [evaluate(IMAGES, TEXTS, pairs(), Settings(direction=one)) for one in ("text_to_image", "image_to_text")]
    environment = {"numpy": np.__version__, "seed": 0}
    save_results(tmp_path / "out", judged, environment=environment, data=[(pairs(), "en")])

    files = sorted(str(one.relative_to(tmp_path / "out")) for one in (tmp_path / "out").rglob("*") if one.is_file())
    assert files == [
        "pairs/toy-test.jsonl",
        "qrels/toy-test--image_to_text.trec",
        "qrels/toy-test--text_to_image.trec",
        "ranks/toy-one--toy-test--image_to_text.txt",
        "ranks/toy-one--toy-test--text_to_image.txt",
        "results.json",
        "runs/toy-one--toy-test--image_to_text.trec",
        "runs/toy-one--toy-test--text_to_image.trec",
    ]
    loaded = load_results(tmp_path / "out")
    assert loaded.environment == environment
    for before, after in zip(judged, loaded.results, strict=True):
        assert after.metrics == before.result.metrics
        assert after.protocol == before.result.protocol
        assert after.provenance == MADE
        assert after.details["examples"] == before.result.details["examples"]
        assert loaded.run(after).ranking("cat" if "cat" in before.run.queries else "cat-1") == before.run.ranking(
            before.run.queries[0]
        )
        assert loaded.qrels(after) == before.qrels


def test_the_json_of_a_result(tmp_path: Path) -> None:
    judged = evaluate(IMAGES, TEXTS, pairs(), Settings(metrics=("mrr",), resamples=0))
    save_results(tmp_path, [judged], environment={})
    document = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert (document["schema"], document["environment"], document["comparisons"]) == (1, {}, [])
    (one,) = document["results"]
    assert list(one) == ["model", "data", "direction", "protocol", "metrics", "provenance", "details"]
    assert one["metrics"] == {"mrr": {"value": 1.0, "low": 1.0, "high": 1.0}}
    assert one["protocol"]["ties"].startswith("score descending")


def test_an_infinite_rank_is_null_in_the_file_and_infinite_again(tmp_path: Path) -> None:
    nothing = Run((), (), np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32))
    judged = evaluate_run(nothing, pairs(), Settings(metrics=("median_rank",)), provenance=MADE)
    save_results(tmp_path, [judged], environment={})
    assert '"value": null' in (tmp_path / "results.json").read_text(encoding="utf-8")
    assert load_results(tmp_path).results[0].metrics["median_rank"] == Estimate(math.inf, math.inf, math.inf)


def test_models_whose_safe_names_agree_keep_their_own_runs(tmp_path: Path) -> None:
    judged = evaluate(IMAGES, TEXTS, pairs(), Settings())
    names = ["toy/one", "toy-one", "Toy:one", "../../etc/passwd", "…"]
    results = [replace(judged, result=replace(judged.result, model=name)) for name in names]
    saved = save_results(tmp_path, results, environment={})
    assert [one.details["files"]["run"] for one in saved.results] == [
        "runs/toy-one--toy-test--text_to_image.trec",
        "runs/toy-one--toy-test--text_to_image-2.trec",
        "runs/Toy-one--toy-test--text_to_image-3.trec",
        "runs/etc-passwd--toy-test--text_to_image.trec",
        "runs/unnamed--toy-test--text_to_image.trec",
    ]
    assert {one.details["files"]["qrels"] for one in saved.results} == {"qrels/toy-test--text_to_image.trec"}


def test_relevance_under_two_protocols_is_two_files(tmp_path: Path) -> None:
    shared = evaluate(IMAGES, TEXTS, pairs(), Settings())
    given = evaluate(IMAGES, TEXTS, pairs(), Settings(equal_captions="as given"))
    saved = save_results(tmp_path, [shared, given], environment={})
    assert [saved.qrels(one) for one in saved.results] == [shared.qrels, given.qrels]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "Cannot read .*results.json"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"schema": 2, "results": [], "environment": {}}', "has schema 2, not 1"),
        ('{"schema": 1, "results": [{}], "environment": {}}', "is damaged"),
    ],
)
def test_a_damaged_folder_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(StoreError, match=message):
        load_results(tmp_path)
