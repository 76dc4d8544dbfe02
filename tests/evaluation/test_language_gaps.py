"""One test in several languages: what belongs together, and the gap between two on the same images."""

from dataclasses import replace

import numpy as np
import pytest

from mirante.evaluation import Gap, Preset, by_language, evaluate_under, language_gaps, under
from mirante.evaluation.intervals import Bootstrap, estimate
from mirante.evaluation.languages import gap
from mirante.evaluation.per_query import PerQuery
from mirante.evaluation.resampling import drawn_counts
from mirante.types import Caption, Embeddings, Estimate, Pairs, Picture, Protocol, Provenance, Result

MADE = Provenance("m", "r", "p")
PROTOCOL = Protocol("toy:test", "en", "text_to_image", 4, 4, 1.0, "as given", 4)


def asked(language: str, images: str, right: list[float], model: str = "m", **changed: object) -> PerQuery:
    """One query per letter of `images`, about the image of that name, with its value."""
    protocol = replace(PROTOCOL, language=language, queries=len(images), **changed)
    queries = tuple(f"{language}{at}" for at in range(len(images)))
    return PerQuery(model, protocol, queries, tuple(images), {"hit_rate@1": np.array(right, np.float64)})


def test_the_difference_is_between_means_over_queries_on_images_that_both_have():
    """Portuguese 1/3 on A, B, C; English 3/4 on A, B (two captions), C; D has no Portuguese and is left out."""
    portuguese = asked("pt", "ABC", [0, 1, 0])
    english = asked("en", "ABBCD", [1, 1, 0, 1, 0])
    (found,) = gap(portuguese, english)
    assert found.difference == pytest.approx(1 / 3 - 3 / 4)
    assert (found.first, found.second, found.metric, found.images) == ("pt", "en", "hit_rate@1", 3)
    (turned,) = gap(english, portuguese)
    assert turned.difference == pytest.approx(-found.difference)


def test_its_interval_is_that_of_images_drawn_for_both_at_once():
    random = np.random.default_rng(3)
    images = [chr(65 + n) for n in range(20)]
    english = asked("en", "".join(images + images[:9]), random.integers(0, 2, 29).tolist())
    portuguese = asked("pt", "".join(images), random.integers(0, 2, 20).tolist())
    (found,) = gap(portuguese, english, bootstrap=Bootstrap(200, seed=5, method="percentile"))

    drawn = []
    for counts in np.concatenate(list(drawn_counts(20, 49, 200, 5))):
        means = []
        for side in (portuguese, english):
            values = side.values["hit_rate@1"]
            many = [counts[images.index(image)] for image in side.clusters]
            means.append(sum(n * v for n, v in zip(many, values, strict=True)) / sum(many))
        drawn.append(means[0] - means[1])
    drawn.sort()
    assert (found.low, found.high) == pytest.approx((drawn[4], drawn[-5]))


def test_that_an_image_is_hard_counts_in_neither_languages_favour():
    """Both languages find the same half of 200 images: the gap is 0 and known to ± 2 points, not to ± 10."""
    right = [1.0, 0.0] * 100
    images = "".join(chr(200 + n) for n in range(200))
    (found,) = gap(asked("pt", images, right), asked("en", images, right))
    assert found.difference == 0
    assert -0.03 < found.low <= 0 <= found.high < 0.03
    assert found.p == 1


def test_a_gap_that_no_resample_closes_is_significant():
    images = "".join(chr(200 + n) for n in range(60))
    lost = [0.0 if n % 3 else 1.0 for n in range(60)]
    (found,) = gap(asked("pt", images, lost), asked("en", images, [1.0] * 60))
    assert found.high < 0
    assert found.low < found.difference == pytest.approx(-2 / 3)
    assert found.p == pytest.approx(1 / 1001)


def test_beside_a_language_that_finds_all_it_is_the_other_languages_own_interval() -> None:
    """English is always 1: the gap is Portuguese less 1, and so are the ends of its BCa interval; turned likewise."""
    values = (np.random.default_rng(7).random(40) ** 6).tolist()
    images = "".join(chr(200 + n) for n in range(40))
    portuguese, english = asked("pt", images, values), asked("en", images, [1.0] * 40)
    own = estimate({"it": np.array(values)}, list(images))["it"]
    (found,) = gap(portuguese, english)
    assert (found.difference, found.low, found.high) == pytest.approx((own.value - 1, own.low - 1, own.high - 1))
    (turned,) = gap(english, portuguese)
    assert (turned.low, turned.high) == pytest.approx((1 - own.high, 1 - own.low), abs=2e-3)


def test_no_common_image_no_gap():
    assert gap(asked("pt", "AB", [1, 1]), asked("en", "CD", [1, 1])) == ()


def test_only_portuguese_and_english_of_one_model_test_and_direction_are_set_apart():
    sides = [
        asked("en", "AB", [1, 1]),
        asked("pt-BR", "AB", [1, 0]),
        asked("sw", "AB", [0, 0]),
        asked("en", "AB", [1, 1], "n"),
        asked("pt-BR", "AB", [1, 0], data="another"),
        asked("pt-BR", "AB", [0, 0], direction="image_to_text"),
    ]
    found = language_gaps(sides)
    assert [(one.model, one.first, one.second, one.data, one.difference) for one in found] == [
        ("m", "pt-BR", "en", "toy:test", -0.5)
    ]
    assert isinstance(found[0], Gap)


def result(language: str, direction: str = "text_to_image", **changed: object) -> Result:
    protocol = replace(PROTOCOL, language=language, direction=direction, **changed)
    return Result("m", protocol.data, protocol, {"mrr": Estimate(0, 0, 0)}, Provenance("m", "r", "p"))


def test_results_of_one_test_in_several_languages_belong_together():
    """Queries, captions per image and, image to text, the gallery and its depth follow the captions of a language."""
    results = [
        result("en"),
        result("pt", queries=9, captions_per_image=2.2),
        result("en", "image_to_text"),
        result("pt", "image_to_text", gallery=9, depth=9),
        result("pt", gallery=5),
        result("en", fraction=0.1),
        result(""),
    ]
    groups = by_language(results)
    assert [{tag: len(found) for tag, found in spoken.items()} for spoken in groups] == [{"en": 1, "pt": 1}] * 2
    assert groups[0]["pt"] == [results[1]]
    assert groups[1]["pt"] == [results[3]]


@pytest.mark.parametrize(
    ("languages", "each", "together"), [(("en",), 1000, 1000), (("en", "pt"), 100, 100), (("en", "pt", "sw"), 10, 100)]
)
def test_saved_runs_of_many_languages_hold_fewer_answers(
    languages: tuple[str, ...], each: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With thresholds of 1,100 and 2,200 captions instead of 5,000 and 50,000, on 1,100 images."""
    monkeypatch.setattr(under, "FEW_QUERIES", 1100)
    monkeypatch.setattr(under, "MANY_QUERIES", 2200)
    rows = np.eye(4, dtype=np.float32)[np.arange(1100) % 4]
    pictures = tuple(Picture(f"i{n}", f"c{n}", lambda: pytest.fail("was loaded")) for n in range(1100))
    captions = tuple(Caption(f"i{n}#{tag}", f"{n} {tag}", tag) for tag in languages for n in range(1100))
    pairs = Pairs(pictures, captions, {one.id: frozenset({one.id.partition("#")[0]}) for one in captions})
    images = Embeddings(tuple(one.id for one in pictures), rows, MADE)
    texts = Embeddings(tuple(one.id for one in captions), np.tile(rows, (len(languages), 1)), MADE)
    for preset, depth in ((Preset(languages="each"), each), (Preset(), together)):
        first = evaluate_under(preset, images, texts, pairs)[0]
        assert first.run.indices.shape[1] == depth
