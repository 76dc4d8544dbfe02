"""Calibrations fitted on pairs: what is asked, the curve of greatest likelihood, and what holds on other queries."""

import numpy as np
import pytest

from mirante.classification.asking import ask
from mirante.classification.platt import fit_curve
from mirante.classification.relevance import Settings, calibrate, measure
from mirante.datasets import open_dataset, read_pairs
from mirante.errors import DataError, UsageError
from mirante.types import Caption, Embeddings, Pairs, Picture, Provenance

MODEL = Provenance("made", "1", "p")


def pairs_of(relevance: dict[str, tuple[str, ...]], images: tuple[str, ...]) -> Pairs:
    """Captions whose text is their id."""
    shown = tuple(Picture(one, one, lambda: None) for one in images)  # type: ignore[arg-type, return-value]
    captions = tuple(Caption(one, one) for one in relevance)
    return Pairs(shown, captions, {one: frozenset(found) for one, found in relevance.items()}, "made")


def unit(rows: object) -> np.ndarray:
    found = np.asarray(rows, np.float64)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def world(count: int, noise: float, seed: int = 0) -> tuple[Embeddings, Embeddings, Pairs]:
    """`count` pictures at random, each with a caption near to it, the more so the less noise."""
    random = np.random.default_rng(seed)
    shown = unit(random.normal(size=(count, 16)))
    told = unit(shown + noise * random.normal(size=(count, 16)))
    images, captions = (tuple(f"{kind}{at}" for at in range(count)) for kind in "ic")
    pairs = pairs_of({c: (i,) for c, i in zip(captions, images, strict=True)}, images)
    return Embeddings(images, shown, MODEL), Embeddings(captions, told, MODEL), pairs


def test_a_query_is_asked_with_and_without_what_is_relevant() -> None:
    images = Embeddings(("a", "b", "c"), unit([[1, 0], [0.6, 0.8], [0, 1]]), MODEL)
    texts = Embeddings(("t", "u"), unit([[1, 0], [0, 1]]), MODEL)
    asked = ask(images, texts, pairs_of({"t": ("b",), "u": ("b", "c")}, images.ids), holds="images", depth=2)
    np.testing.assert_allclose(asked.present.scores, [[1.0, 0.6], [1.0, 0.8]], atol=1e-6)
    assert asked.present.right.tolist() == [[False, True], [True, True]]
    np.testing.assert_allclose(asked.absent.scores, [[1.0, 0.0], [0.0, -np.inf]], atol=1e-6)
    assert not asked.absent.right.any()
    assert asked.clusters == ("b", "b")


def test_pictures_ask_where_the_gallery_holds_texts() -> None:
    images = Embeddings(("a", "b"), unit([[1, 0], [0, 1]]), MODEL)
    texts = Embeddings(("t",), unit([[1, 0]]), MODEL)
    asked = ask(images, texts, pairs_of({"t": ("b",)}, images.ids), holds="texts", depth=1)
    assert asked.clusters == ("b",), "the picture without a text asks nothing"
    assert asked.present.right.tolist() == [[True]]


def test_the_curve_is_where_the_gradient_vanishes() -> None:
    random = np.random.default_rng(0)
    cosines, standing, weights = random.uniform(0, 1, 400), random.normal(size=400), random.uniform(0.1, 1, 400)
    right = random.random(400) < 1 / (1 + np.exp(-(8 * cosines - 5 + standing)))
    curve = fit_curve(cosines, standing, weights, right=right)
    targets = np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))
    slip = weights * (1 / (1 + np.exp(-curve.odds(cosines, standing))) - targets)
    for feature in (np.ones(400), cosines, standing):
        assert abs(slip @ feature) / weights.sum() < 1e-5
    assert curve.cosine == pytest.approx(8, rel=0.3)


def test_answers_that_do_not_overlap_leave_finite_slopes() -> None:
    cosines = np.array([0.1, 0.2, 0.8, 0.9])
    curve = fit_curve(cosines, np.zeros(4), np.ones(4), right=np.array([False, False, True, True]))
    said = 1 / (1 + np.exp(-curve.odds(cosines, np.zeros(4))))
    assert np.isfinite([curve.intercept, curve.cosine, curve.deviations]).all()
    assert said[1] < 0.5 < said[2]


def test_what_is_said_is_so_on_queries_that_were_not_fitted() -> None:
    held = calibrate(*world(400, 0.25))
    assert held.queries == 200
    assert held.every.error < 0.03
    assert held.first.error < 0.08
    assert held.told_present.value < 0.12
    assert held.told_absent.value > 3 * held.told_present.value


def test_the_half_that_was_not_fitted_measures() -> None:
    """Of 401 queries the smaller half is fitted, 200."""
    assert calibrate(*world(401, 0.25)).queries == 201


def test_captions_that_say_nothing_leave_no_answer_probable() -> None:
    images, texts, pairs = world(200, 30.0)
    held = calibrate(images, texts, pairs)
    said = held.calibration.probabilities(texts.vectors, (texts.vectors @ images.vectors.T).max(axis=1)[:, None], 200)
    assert said.max() < 0.3


def test_false_alarms_are_as_many_as_were_allowed() -> None:
    few, many = (calibrate(*world(600, 0.5), settings=Settings(false_alarm=share)) for share in (0.02, 0.3))
    assert few.told_present.low <= 0.02 <= few.told_present.high
    assert many.told_present.low <= 0.3 <= many.told_present.high


def test_a_gallery_that_seldom_has_an_answer_makes_each_less_probable() -> None:
    often, seldom = (calibrate(*world(300, 0.5), settings=Settings(answerable=share)) for share in (0.9, 0.1))
    query, scores = unit([[1] * 16]), np.array([[0.7]])
    said = [one.calibration.probabilities(query, scores, 300)[0, 0] for one in (often, seldom)]
    assert said[0] > 2 * said[1]


def test_equal_captions_share_what_they_describe() -> None:
    """Each text stands twice, for two pictures: the twin is no wrong answer."""
    images, texts, _ = world(120, 0.3)
    relevance = {one: (f"i{at}",) for at, one in enumerate(texts.ids)}
    pairs = pairs_of(relevance, images.ids)
    twins = tuple(Caption(one, f"text {at // 2}") for at, one in enumerate(texts.ids))
    shared = Pairs(pairs.images, twins, pairs.relevance, "made")
    rows = images.vectors[[at // 2 * 2 for at in range(120)]]
    held = calibrate(Embeddings(images.ids, rows, MODEL), Embeddings(texts.ids, rows, MODEL), shared)
    said = held.calibration.probabilities(rows, np.ones((120, 2)), 120)
    assert said.min() > 0.8, "a picture as near as can be is right, whichever of the two it is"


@pytest.mark.parametrize("wrong", [{"answerable": 0.0}, {"false_alarm": 1.0}])
def test_shares_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        Settings(**wrong)


def test_too_little_data_is_refused() -> None:
    with pytest.raises(DataError, match="20 queries and 20 candidates"):
        calibrate(*world(20, 0.1))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_scenes_and_the_embedded_model() -> None:
    """Fitted on validation scenes: on test scenes the probabilities hold, and absent things are told to be absent."""
    from mirante import embeddings, encoders

    encoder = encoders.load("scenes")
    validation, test = (read_pairs(open_dataset(f"scenes:{one}-300"), language="en") for one in ("validation", "test"))
    images, texts, _ = embeddings.embed_pairs(validation, encoder)
    held = calibrate(images, texts, validation)
    images, texts, _ = embeddings.embed_pairs(test, encoder)
    asked = ask(images, texts, test.sharing_equal_captions(), holds="images", depth=10)
    found = measure(held.calibration, asked)
    assert found.every.error < 0.02
    assert found.first.error < 0.05
    assert found.told_absent.value > 0.8, "absent things are mostly told so"
    assert found.told_present.value < 0.1, "present ones mostly not"
