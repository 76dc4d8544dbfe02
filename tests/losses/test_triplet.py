"""The triplet margin by hand: which negative counts, and which positives."""

import numpy as np
import pytest
import torch
from plain_losses import graded

from mirante.losses import triplet


def turned(*degrees):
    """Rows in the plane at these angles from the first axis."""
    radians = np.deg2rad(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def cost(images, texts, positives, margin=0.2):
    rows = {"images": images, "texts": texts}
    return graded(triplet.Loss(margin=margin), rows, np.array(positives, dtype=bool))[0]


def test_only_the_hardest_negative_counts():
    """One text at 0°, true of the image at 60° (cosine .5), false of those at 30° (.866), 45° (.707) and 80°.

    0.2 + .866 − .5 = .566. The image has no other text, so no negative and no cost.
    """
    assert cost(turned(60, 30, 45, 80), turned(0), [[1, 0, 0, 0]]) == pytest.approx(0.2 + 0.8660254 - 0.5)


def test_an_image_has_its_hardest_text():
    """The same, told from the image's side."""
    assert cost(turned(0), turned(60, 30, 45, 80), [[1], [0], [0], [0]]) == pytest.approx(0.2 + 0.8660254 - 0.5)


def test_each_true_image_is_a_triplet_and_a_texts_term_is_their_mean():
    """True at 60° (.5) and 90° (0), hardest false at 30° (.866): (.566 + 1.066) / 2."""
    value = cost(turned(60, 90, 30), turned(0), [[1, 1, 0]])
    assert value == pytest.approx((0.2 + 0.8660254 - 0.5 + 0.2 + 0.8660254) / 2)


def test_a_true_image_is_never_the_hard_negative():
    """Both images are true of the text, one of them very near: nothing is wrong."""
    assert cost(turned(60, 1), turned(0), [[1, 1]]) == 0


def test_beyond_the_margin_nothing_is_left_to_learn():
    images, texts = torch.eye(2, requires_grad=True), torch.eye(2)
    value = triplet.Loss(margin=0.2)(images, texts, torch.eye(2, dtype=torch.bool))
    value.backward()
    assert value.item() == 0
    assert images.grad.abs().max() == 0


def test_both_directions_are_summed():
    """Two pairs in each other's place: every anchor is wrong by 1 + margin, in both directions."""
    assert cost(np.eye(2), np.eye(2)[::-1].copy(), np.eye(2), margin=0.3) == pytest.approx(2 * 1.3)


def test_its_margin_is_that_of_the_paper():
    assert triplet.Loss().margin == 0.2
