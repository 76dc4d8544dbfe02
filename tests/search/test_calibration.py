"""Scores of a gallery become probabilities; a calibration of another model is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mirante.errors import StoreError
from mirante.search import Calibration, Entry, Gallery, nothing_matches, search
from mirante.search.calibration import FILE, Curve, Terms, deviations
from mirante.types import Embeddings, Provenance, Query, Term

MODEL = Provenance("toy", "1", "colour words and mean colour")
TERMS = Terms(
    provenance=MODEL,
    holds="images",
    data="made",
    gallery=3,
    answerable=0.5,
    false_alarm=0.05,
    threshold=0.5,
    first=Curve(-6.0, 10.0, 0.0),
    later=Curve(-8.0, 10.0, 0.0),
)


def calibration(dim: int = 12, **changes: object) -> Calibration:
    return Calibration(replace(TERMS, **changes), np.zeros(dim, np.float32), np.eye(dim, dtype=np.float32))


def sigmoid(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


@pytest.fixture
def gallery(tmp_path):
    from mirante import encoders

    toy = encoders.load("toy")
    rows = Embeddings(("red", "blue", "both"), toy.encode_texts(["red", "blue", "red blue"]), toy.provenance)
    return Gallery.create(tmp_path / "index", "exact", rows, [Entry(one) for one in rows.ids])


def ask(gallery, *terms):
    from mirante import encoders

    return search(gallery, encoders.load("toy"), Query(tuple(terms)), 3)


def test_deviations_are_of_this_query_among_the_rows():
    """Rows (±1, 0) and (0, ±2)/2: along east the mean is 0 and the deviation √½, along north √⅛."""
    rows = np.array([[1, 0], [-1, 0], [0, 0.5], [0, -0.5]], np.float32)
    found = deviations(np.eye(2), np.array([[1.0], [0.5]]), rows.mean(axis=0), np.cov(rows.T, bias=True))
    np.testing.assert_allclose(found, [[2**0.5], [2**0.5]], rtol=1e-6)


def test_first_and_later_answers_have_curves_of_their_own():
    scores = np.array([[0.9, 0.7, -np.inf]])
    said = calibration().probabilities(np.eye(12)[:1], scores, 3)[0].tolist()
    assert said == pytest.approx([sigmoid(3.0), sigmoid(-1.0), 0.0])


def test_how_far_an_answer_stands_out_counts():
    """Mean cosine 0.2 and deviation 0.1: a cosine of 0.5 stands out by 3, worth 6 in log-odds."""
    made = Calibration(
        replace(TERMS, first=Curve(-5.0, 0.0, 2.0)), np.array([0.2, 0], np.float32), np.eye(2, dtype=np.float32) / 100
    )
    assert made.probabilities(np.eye(2)[:1], np.array([[0.5]]), 3)[0, 0] == pytest.approx(sigmoid(1.0), rel=1e-5)


def test_a_larger_gallery_makes_chance_answers_likelier():
    small, large = (calibration().probabilities(np.eye(12)[:1], np.array([[0.6]]), count)[0, 0] for count in (3, 30))
    assert small == pytest.approx(0.5)
    assert large == pytest.approx(1 / 11), "odds of 1 among 3 are odds of 1/10 among 30"


def test_no_answer_is_more_probable_than_the_one_before():
    said = calibration(later=Curve(0.0, 10.0, 0.0)).probabilities(np.eye(12)[:1], np.array([[0.6, 0.6, 0.1]]), 3)[0]
    assert said.tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_what_was_saved_is_read_and_searched_with(gallery):
    assert [hit.relevance for hit in ask(gallery, Term(1.0, "red"))] == [None, None, None]
    calibration().save(gallery.folder)
    opened = Gallery.open(gallery.folder)
    assert opened.calibration is not None
    assert opened.calibration.terms == TERMS
    first, second, third = ask(opened, Term(1.0, "red"))
    assert (first.id, second.id, third.id) == ("red", "both", "blue")
    half = 0.5**0.5
    assert [one.relevance for one in (first, second, third)] == pytest.approx(
        [sigmoid(4), sigmoid(10 * half - 8), sigmoid(-8)], rel=1e-5
    )
    assert first.to_dict()["relevance"] == first.relevance


def test_nothing_matches_when_even_the_best_is_improbable(gallery):
    assert nothing_matches(gallery, ask(gallery, Term(1.0, "green"))) is None, "nobody knows before it is calibrated"
    calibration().save(gallery.folder)
    opened = Gallery.open(gallery.folder)
    assert nothing_matches(opened, ask(opened, Term(1.0, "green"))) is True
    assert nothing_matches(opened, ask(opened, Term(1.0, "red"))) is False
    assert nothing_matches(opened, []) is None


@pytest.mark.parametrize(("threshold", "nothing"), [(0.2, [True, False, False]), (0.8, [True, True, True])])
def test_the_threshold_that_was_fitted_decides(threshold, nothing):
    assert [calibration(threshold=threshold).nothing(one) for one in (0.1, 0.2, 0.7)] == nothing


@pytest.mark.parametrize("terms", [(Term(1.0, "red"), Term(1.0, "blue")), (Term(-1.0, "red"),)])
def test_sums_and_differences_are_not_called_probable(gallery, terms):
    calibration().save(gallery.folder)
    assert {hit.relevance for hit in ask(Gallery.open(gallery.folder), *terms)} == {None}


def test_pictures_that_look_for_pictures_are_not_called_probable(gallery):
    from PIL import Image

    calibration().save(gallery.folder)
    hits = ask(Gallery.open(gallery.folder), Term(1.0, image=Image.new("RGB", (4, 4), "red")))
    assert (hits[0].id, hits[0].relevance) == ("red", None)


@pytest.mark.parametrize("other", [{"revision": "2"}, {"preprocessing": "else"}])
def test_a_calibration_of_another_model_is_refused(gallery, other):
    calibration(provenance=replace(MODEL, **other)).save(gallery.folder)
    with pytest.raises(StoreError, match=r"was fitted for 'toy' \(revision .* run `mirante calibrate` again"):
        ask(Gallery.open(gallery.folder), Term(1.0, "red"))


@pytest.mark.parametrize("content", [b"", b"not safetensors at all"])
def test_a_damaged_calibration_is_named(gallery, content):
    (gallery.folder / FILE).write_bytes(content)
    with pytest.raises(StoreError, match=FILE):
        Gallery.open(gallery.folder).calibration  # noqa: B018


def test_another_version_is_refused(gallery, monkeypatch):
    from mirante.search import calibration as module

    monkeypatch.setattr(module, "SCHEMA", 2)
    calibration().save(gallery.folder)
    monkeypatch.setattr(module, "SCHEMA", 1)
    with pytest.raises(StoreError, match="version 2, this one reads 1"):
        Gallery.open(gallery.folder).calibration  # noqa: B018
