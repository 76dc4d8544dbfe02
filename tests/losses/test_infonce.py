"""InfoNCE by hand: temperature, several positives, label smoothing."""

import math

import numpy as np
import plain_losses as plain
import pytest
import torch
from plain_losses import graded, unit
from torch.nn.functional import cross_entropy

from mirante.losses import infonce


def test_two_right_angles_by_hand():
    """Each of two texts lies on its image and at a right angle to the other: softmax of (scale, 0)."""
    rows, positives = torch.eye(2), torch.eye(2, dtype=torch.bool)
    assert infonce.Loss(scale=2.0)(rows, rows, positives).item() == pytest.approx(math.log(1 + math.exp(-2)))


def test_a_text_of_two_images_may_find_either():
    """Text 0 is true of images 0 and 1, at right angles to 1: e² of e² + 1 + 1 are found, and both ways of each image.

    Texts over images: −log((e² + 1) / (e² + 2)). Images over one text: nothing to choose.
    """
    images, text = torch.eye(3), torch.eye(3)[:1]
    value = infonce.Loss(scale=2.0)(images, text, torch.tensor([[True, True, False]])).item()
    assert value == pytest.approx(-math.log((math.exp(2) + 1) / (math.exp(2) + 2)) / 2)


def test_equal_captions_are_no_negatives_of_each_other():
    """All texts true of all images: every probability counted is 1, whatever the rows."""
    rows = {"images": unit(4, 5, seed=3), "texts": unit(4, 5, seed=4)}
    assert graded(infonce.Loss(), rows, np.ones((4, 4), dtype=bool))[0] == pytest.approx(0, abs=1e-9)


def test_a_text_without_image_only_pushes():
    """It has no term of its own, but stands among the negatives of the images."""
    images, texts = unit(3, 4, seed=1), unit(4, 4, seed=2)
    with_it = graded(infonce.Loss(), {"images": images, "texts": texts}, np.eye(4, 3, dtype=bool))[0]
    without = graded(infonce.Loss(), {"images": images, "texts": texts[:3]}, np.eye(3, dtype=bool))[0]
    assert with_it > without


def test_smoothing_by_hand():
    """Softmax of (2, 0): p = .8808, .1192. 0.9 · −log p₁ + 0.1 · mean(log(½ / p))."""
    rows, positives = torch.eye(2), torch.eye(2, dtype=torch.bool)
    right = math.exp(2) / (math.exp(2) + 1)
    even = (math.log(0.5 / right) + math.log(0.5 / (1 - right))) / 2
    value = infonce.Loss(scale=2.0, smoothing=0.1)(rows, rows, positives).item()
    assert value == pytest.approx(-0.9 * math.log(right) + 0.1 * even)


def test_smoothing_is_that_of_torch_but_for_a_constant():
    """Cross-entropy to the even distribution of 6 choices is its KL and log 6; the gradients are the same."""
    images, texts = (torch.tensor(unit(6, 4, seed=seed), requires_grad=True) for seed in (5, 6))
    logits, own = 7.0 * texts @ images.T, torch.arange(6)
    theirs = sum(cross_entropy(one, own, label_smoothing=0.2) for one in (logits, logits.T)) / 2
    loss = infonce.Loss(scale=7.0, smoothing=0.2).double()
    with torch.no_grad():
        loss.logit_scale.fill_(math.log(7.0))
    ours = loss(images, texts, torch.eye(6, dtype=torch.bool))
    assert ours.item() == pytest.approx(theirs.item() - 0.2 * math.log(6), rel=1e-9)
    for mine, yours in zip(*(torch.autograd.grad(one, (images, texts)) for one in (ours, theirs)), strict=True):
        torch.testing.assert_close(mine, yours)


def test_a_text_told_twice_costs_no_more_when_smoothed():
    images, texts, positives = unit(3, 4, seed=1), unit(2, 4, seed=2), np.eye(2, 3, dtype=bool)
    loss = infonce.Loss(smoothing=0.4)
    twice = {"images": images, "texts": np.repeat(texts, 2, axis=0)}
    assert graded(loss, twice, np.repeat(positives, 2, axis=0))[0] == pytest.approx(
        graded(loss, {"images": images, "texts": texts}, positives)[0]
    )


def test_smoothing_forbids_certainty():
    """At a high scale right answers cost nothing without it, and much with it."""
    rows, positives = torch.eye(3), torch.eye(3, dtype=torch.bool)
    assert infonce.Loss(scale=90.0)(rows, rows, positives).item() == pytest.approx(0, abs=1e-6)
    assert infonce.Loss(scale=90.0, smoothing=0.1)(rows, rows, positives).item() > 1


def test_the_scale_still_learns_where_clip_left_it():
    """OpenAI's checkpoints hold log-scale 4.6052, a hair above log 100."""
    loss, rows = infonce.Loss(scale=math.exp(4.6052)), torch.tensor(unit(4, 4, seed=1)).float()
    loss(rows, rows.roll(1, 0), torch.eye(4, dtype=torch.bool)).backward()
    assert loss.logit_scale.grad.item() != 0


def test_it_starts_where_its_paper_starts():
    assert infonce.Loss().logit_scale.exp().item() == pytest.approx(1 / 0.07)
    assert infonce.Loss().smoothing == 0


def test_the_plain_loops_know_the_case_of_two_right_angles():
    """The oracle of `test_losses.py`, by the same hand."""
    rows = np.eye(2)
    assert plain.infonce(rows, rows, np.eye(2, dtype=bool), scale=2.0) == pytest.approx(math.log(1 + math.exp(-2)))
