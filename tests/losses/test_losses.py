"""Losses against plain loops: their value and, by central differences of the plain loops, their gradients."""

import math

import numpy as np
import pytest
import torch

from mirante import losses, registry
from mirante.errors import UnknownName
from mirante.losses import infonce, sigmoid

NAMES = registry.names("mirante.losses")


def unit(*shape, seed):
    rows = np.random.default_rng(seed).normal(size=shape)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


IMAGES = unit(3, 4, seed=1)
TEXTS = unit(5, 4, seed=2)
POSITIVES = np.array(
    [
        [1, 0, 0],
        [1, 1, 0],  # one text, two images
        [0, 1, 0],  # one image, three texts
        [0, 1, 0],
        [0, 0, 0],  # a text that describes none of them; the third image has no text
    ],
    dtype=bool,
)


def plain_infonce(images, texts, positives, scale):
    """Mean over texts of −log p(their images), and over images of −log p(their texts); then the mean of both."""

    def one_way(anchors, others, true):
        terms = []
        for anchor, row in zip(anchors, true, strict=True):
            weights = [math.exp(scale * float(anchor @ other)) for other in others]
            if any(row):
                hits = sum(weight for weight, is_true in zip(weights, row, strict=True) if is_true)
                terms.append(-math.log(hits / sum(weights)))
        return sum(terms) / len(terms)

    return (one_way(texts, images, positives) + one_way(images, texts, positives.T)) / 2


def plain_sigmoid(images, texts, positives, scale, bias):
    """−log σ(z) of every true cell and −log σ(−z) of every other, summed, over the number of texts."""
    total = 0.0
    for text, row in zip(texts, positives, strict=True):
        for image, is_true in zip(images, row, strict=True):
            z = scale * float(text @ image) + bias
            total += math.log(1 + math.exp(-z if is_true else z))
    return total / len(texts)


def differences(function, at, step=1e-6):
    """The gradient of `function` at `at` by central differences."""
    found = np.zeros_like(at)
    for cell in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[cell] += step
        down[cell] -= step
        found[cell] = (function(up) - function(down)) / (2 * step)
    return found


def graded(loss, images=IMAGES, texts=TEXTS, positives=POSITIVES):
    """Value and gradients with respect to images and texts."""
    left, right = (torch.tensor(rows, requires_grad=True) for rows in (images, texts))
    value = loss.double()(left, right, torch.tensor(positives))
    value.backward()
    return value.item(), left.grad.numpy(), right.grad.numpy()


PLAIN = {
    "infonce": (infonce.Loss(scale=5.0), lambda i, t, p: plain_infonce(i, t, p, 5.0)),
    "sigmoid": (sigmoid.Loss(scale=4.0, bias=-1.5), lambda i, t, p: plain_sigmoid(i, t, p, 4.0, -1.5)),
}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("seed", range(5))
def test_value_equals_plain_loops_on_random_batches(name, seed):
    loss, plain = PLAIN[name]
    rng = np.random.default_rng(seed)
    b, t = rng.integers(2, 7, 2)
    images, texts, positives = unit(b, 6, seed=seed + 10), unit(t, 6, seed=seed + 20), rng.random((t, b)) < 0.4
    positives[0, 0] = True
    assert graded(loss, images, texts, positives)[0] == pytest.approx(plain(images, texts, positives), rel=1e-6)


@pytest.mark.parametrize("name", PLAIN)
def test_gradients_equal_differences_of_plain_loops(name):
    loss, plain = PLAIN[name]
    value, of_images, of_texts = graded(loss)
    assert value == pytest.approx(plain(IMAGES, TEXTS, POSITIVES), rel=1e-6)
    np.testing.assert_allclose(of_images, differences(lambda i: plain(i, TEXTS, POSITIVES), IMAGES), atol=1e-6)
    np.testing.assert_allclose(of_texts, differences(lambda t: plain(IMAGES, t, POSITIVES), TEXTS), atol=1e-6)


@pytest.mark.parametrize("name", PLAIN)
def test_scale_and_bias_are_learnt_and_their_gradients_exact(name):
    loss = PLAIN[name][0].double()
    loss.zero_grad()
    graded(loss)
    plain = {
        "infonce": lambda log: plain_infonce(IMAGES, TEXTS, POSITIVES, math.exp(log)),
        "sigmoid": lambda log: plain_sigmoid(IMAGES, TEXTS, POSITIVES, math.exp(log), -1.5),
    }[name]
    start = np.array(math.log({"infonce": 5.0, "sigmoid": 4.0}[name]))
    slope = differences(lambda at: plain(float(at)), start)
    assert loss.logit_scale.grad.item() == pytest.approx(float(slope), rel=1e-5)
    if name == "sigmoid":
        bias = differences(lambda at: plain_sigmoid(IMAGES, TEXTS, POSITIVES, 4.0, float(at)), np.array(-1.5))
        assert loss.logit_bias.grad.item() == pytest.approx(float(bias), rel=1e-5)


def test_two_right_angles_by_hand():
    """Each of two texts lies on its image and at a right angle to the other: softmax of (scale, 0)."""
    rows = torch.eye(2)
    positives = torch.eye(2, dtype=torch.bool)
    assert infonce.Loss(scale=2.0)(rows, rows, positives).item() == pytest.approx(math.log(1 + math.exp(-2)))
    expected = math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-1))  # z = 2 − 1 when true, 0 − 1 when not
    assert sigmoid.Loss(scale=2.0, bias=-1.0)(rows, rows, positives).item() == pytest.approx(expected)


def test_equal_captions_are_no_negatives_of_each_other_under_infonce():
    """All texts true of all images: every probability counted is 1, whatever the rows."""
    images, texts = (torch.tensor(unit(4, 5, seed=seed)) for seed in (3, 4))
    assert infonce.Loss().double()(images, texts, torch.ones(4, 4, dtype=torch.bool)).item() == pytest.approx(
        0, abs=1e-9
    )


def test_a_text_without_image_only_pushes_under_infonce():
    """It has no term of its own, but stands among the negatives of the images."""
    loss, plain = PLAIN["infonce"]
    without = graded(loss, texts=TEXTS[:4], positives=POSITIVES[:4])[0]
    assert graded(loss)[0] > without
    assert graded(loss)[0] == pytest.approx(plain(IMAGES, TEXTS, POSITIVES), rel=1e-6)


def test_a_batch_without_a_true_pair_has_no_infonce():
    value, of_images, of_texts = graded(PLAIN["infonce"][0], positives=np.zeros((5, 3), dtype=bool))
    assert (value, np.abs(of_images).max(), np.abs(of_texts).max()) == (0, 0, 0)


def test_a_batch_without_a_true_pair_is_all_noes_under_sigmoid():
    nothing = np.zeros((5, 3), dtype=bool)
    expected = plain_sigmoid(IMAGES, TEXTS, nothing, 4.0, -1.5)
    assert graded(PLAIN["sigmoid"][0], positives=nothing)[0] == pytest.approx(expected, rel=1e-6)


def test_the_temperature_of_infonce_is_held_at_a_hundred():
    rows, positives = torch.tensor(TEXTS), torch.eye(5, dtype=torch.bool)
    assert infonce.Loss(scale=1e6).double()(rows, rows, positives).item() == pytest.approx(
        infonce.Loss(scale=100.0).double()(rows, rows, positives).item(), rel=1e-5
    )


def test_losses_start_where_their_papers_start():
    assert infonce.Loss().logit_scale.exp().item() == pytest.approx(1 / 0.07)
    assert sigmoid.Loss().logit_scale.exp().item() == pytest.approx(10)
    assert sigmoid.Loss().logit_bias.item() == -10


def test_an_unknown_loss_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'infonce'"):
        losses.create("info-nce")


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    """What every loss promises beside `test_losses_contract.py`, with more texts than images and with fewer."""

    @pytest.mark.parametrize(("b", "t"), [(3, 5), (5, 3), (4, 4), (1, 2)])
    def test_a_finite_scalar_whose_gradient_reaches_both_sides(self, name, b, t):
        images, texts = unit(b, 4, seed=5), unit(t, 4, seed=6)
        value, of_images, of_texts = graded(losses.create(name), images, texts, np.eye(t, b, dtype=bool))
        assert math.isfinite(value)
        assert np.isfinite(of_images).all()
        assert np.isfinite(of_texts).all()
        assert np.abs(of_texts).max() > 0
        assert np.abs(of_images).max() > 0

    def test_it_is_a_mean_over_texts(self, name):
        """Each text told twice changes nothing."""
        loss = losses.create(name)
        twice = graded(loss, texts=np.repeat(TEXTS, 2, axis=0), positives=np.repeat(POSITIVES, 2, axis=0))[0]
        assert twice == pytest.approx(graded(loss)[0], rel=1e-9)

    def test_a_step_down_the_gradient_lowers_it(self, name):
        loss = losses.create(name)
        value, of_images, of_texts = graded(loss)
        assert graded(loss, IMAGES - 1e-3 * of_images, TEXTS - 1e-3 * of_texts)[0] < value
