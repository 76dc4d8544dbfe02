"""Two views of one thing, by hand: what agrees, what is a negative, and where the gradient goes."""

import math

import numpy as np
import pytest
import torch
from plain_losses import graded

from mirante.losses import selfsupervision

EYE = np.eye(3)
OWN = np.eye(3, dtype=bool)


def cost(positives=OWN, **changed):
    rows = {"images": EYE, "texts": EYE, "other_images": EYE, "other_texts": EYE} | changed
    return graded(selfsupervision.Loss(temperature=0.5), rows, positives)[0]


AGREED = math.log(1 + 2 * math.exp(-2))
"""Cosine 1 with the other view of oneself, 0 with those of the two others: softmax of (2, 0, 0) at temperature ½."""


def test_views_that_agree_by_hand():
    assert cost() == pytest.approx(AGREED)


def test_pictures_and_texts_are_compared_apart():
    """Texts that lie nowhere near their images cost nothing here; views that do not agree cost, on each side half."""
    assert cost(texts=-EYE, other_texts=-EYE) == pytest.approx(AGREED)
    astray = math.log(2 + math.exp(2))  # oneself at 0, another at 1: −log(1 / (1 + 1 + e²))
    assert cost(other_images=np.roll(EYE, 1, axis=0)) == pytest.approx((astray + AGREED) / 2)
    assert cost(other_texts=np.roll(EYE, 1, axis=0)) == pytest.approx((astray + AGREED) / 2)


def test_two_captions_of_one_picture_are_no_negatives_of_each_other():
    """Texts 0 and 1 share image 0: either may be found, so (e² + 1) of e² + 2; text 2 and the images have their own."""
    shared = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]], dtype=bool)
    either = -math.log((math.exp(2) + 1) / (math.exp(2) + 2))
    of_texts, of_images = (either + either + AGREED) / 3, AGREED
    assert cost(shared) == pytest.approx((of_texts + of_images) / 2)


def test_two_pictures_of_one_caption_are_no_negatives_of_each_other():
    shared = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=bool)
    either = -math.log((math.exp(2) + 1) / (math.exp(2) + 2))
    of_images, of_texts = (either + either + AGREED) / 3, (AGREED + either + either) / 3
    assert cost(shared) == pytest.approx((of_texts + of_images) / 2)


def test_both_views_learn():
    rows = {name: np.random.default_rng(at).normal(size=(3, 3)) for at, name in enumerate(("images", "texts"))}
    _, gradients = graded(selfsupervision.Loss(), rows | {"other_images": EYE, "other_texts": EYE}, OWN)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients.values())


def test_it_has_nothing_of_its_own_to_learn():
    assert list(selfsupervision.Loss().parameters()) == []
    assert selfsupervision.Loss().state_dict() == {}


def test_the_other_views_have_to_be_given():
    with pytest.raises(TypeError, match="other_images"):
        selfsupervision.Loss()(torch.eye(2), torch.eye(2), torch.eye(2, dtype=torch.bool))
