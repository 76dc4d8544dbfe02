"""Losses against plain loops: their value and, by central differences of the plain loops, their gradients."""

import math

import numpy as np
import plain_losses as plain
import pytest
import torch
from plain_losses import differences, graded, sparse, unit

from mirante import losses, registry
from mirante.errors import UnknownName, UsageError

NAMES = registry.names("mirante.losses")
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
QUEUE = unit(3, 4, seed=9)  # three rows for five texts: some share their neighbour


def rows(name, b, t, d, seed):
    """Unit rows of every view that a loss reads."""
    wanted = ("images", "texts", *losses.needs(losses.create(name)))
    return {view: unit(t if "texts" in view else b, d, seed=seed + at) for at, view in enumerate(wanted)}


def neighbours():
    loss = losses.create("neighbours", {"temperature": 0.3})
    loss.queue = torch.tensor(QUEUE)
    return loss.eval()


CASES = {
    "infonce": (lambda: losses.create("infonce", {"scale": 5.0}), plain.infonce, {"scale": 5.0}),
    "infonce, smoothed": (
        lambda: losses.create("infonce", {"scale": 5.0, "smoothing": 0.3}),
        plain.infonce,
        {"scale": 5.0, "smoothing": 0.3},
    ),
    "sigmoid": (
        lambda: losses.create("sigmoid", {"scale": 4.0, "bias": -1.5}),
        plain.sigmoid,
        {"scale": 4.0, "bias": -1.5},
    ),
    "sigmoid, in blocks": (
        lambda: losses.create("sigmoid", {"scale": 4.0, "bias": -1.5, "block": 2}),
        plain.sigmoid,
        {"scale": 4.0, "bias": -1.5},
    ),
    "triplet": (lambda: losses.create("triplet", {"margin": 0.4}), plain.triplet, {"margin": 0.4}),
    "selfsupervision": (
        lambda: losses.create("selfsupervision", {"temperature": 0.2}),
        plain.selfsupervision,
        {"temperature": 0.2},
    ),
    "neighbours": (neighbours, plain.neighbours, {"temperature": 0.3, "queue": QUEUE}),
    "distillation": (
        lambda: losses.create("distillation", {"temperature": 0.2}),
        plain.distillation,
        {"temperature": 0.2},
    ),
}


def kind(case):
    return case.partition(",")[0]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(5))
def test_value_equals_plain_loops_on_random_batches(case, seed):
    make, loops, options = CASES[case]
    rng = np.random.default_rng(seed)
    b, t = rng.integers(2, 7, 2)
    given, positives = rows(kind(case), b, t, 4, seed=10 * seed), rng.random((t, b)) < 0.4
    assert graded(make(), given, positives)[0] == pytest.approx(loops(**given, positives=positives, **options))


@pytest.mark.parametrize("case", CASES)
def test_gradients_equal_differences_of_plain_loops(case):
    make, loops, options = CASES[case]
    given = rows(kind(case), 3, 5, 4, seed=1)
    value, gradients = graded(make(), given, POSITIVES)
    assert value == pytest.approx(loops(**given, positives=POSITIVES, **options))
    for name, gradient in gradients.items():
        if not name.startswith("teacher"):
            slope = differences(
                lambda at, n=name: loops(**given | {n: at}, positives=POSITIVES, **options), given[name]
            )
            np.testing.assert_allclose(gradient, slope, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("positives", [POSITIVES, np.zeros((5, 3), dtype=bool)], ids=["some", "none"])
def test_the_sparse_form_of_the_truth_gives_the_same_value_and_gradients(case, positives):
    make, given = CASES[case][0], rows(kind(case), 3, 5, 4, seed=1)
    dense, same = graded(make(), given, positives), graded(make(), given, sparse(positives))
    assert same[0] == dense[0]
    assert all(np.array_equal(same[1][name], dense[1][name]) for name in given)


@pytest.mark.parametrize(
    ("name", "loops"),
    [
        ("infonce", lambda given, scale: plain.infonce(**given, positives=POSITIVES, scale=scale)),
        ("sigmoid", lambda given, scale: plain.sigmoid(**given, positives=POSITIVES, scale=scale, bias=-1.5)),
    ],
)
def test_the_scale_is_learnt_and_its_gradient_exact(name, loops):
    loss, given = CASES[name][0](), rows(name, 3, 5, 4, seed=1)
    graded(loss, given, POSITIVES)
    start = np.array(loss.logit_scale.item())
    slope = differences(lambda at: loops(given, math.exp(at)), start)
    assert loss.logit_scale.grad.item() == pytest.approx(float(slope), rel=1e-5)


@pytest.mark.parametrize("case", ["infonce", "infonce, smoothed", "triplet", "selfsupervision", "neighbours"])
def test_a_batch_without_a_true_pair_costs_nothing(case):
    value, gradients = graded(CASES[case][0](), rows(kind(case), 3, 5, 4, seed=1), np.zeros((5, 3), dtype=bool))
    assert value == 0
    assert all(np.abs(gradient).max() == 0 for gradient in gradients.values())


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    """What every loss promises beside `test_losses_contract.py`."""

    @pytest.mark.parametrize(("b", "t"), [(3, 5), (5, 3), (4, 4)])
    def test_a_gradient_reaches_both_sides(self, name, b, t):
        value, gradients = graded(losses.create(name), rows(name, b, t, 4, seed=5), np.eye(t, b, dtype=bool))
        assert math.isfinite(value)
        assert all(np.isfinite(gradient).all() for gradient in gradients.values())
        assert np.abs(gradients["texts"]).max() > 0
        assert np.abs(gradients["images"]).max() > 0

    @pytest.mark.parametrize(("b", "t"), [(1, 2), (2, 1), (1, 1)])
    def test_one_picture_or_one_text_is_enough_for_a_number(self, name, b, t):
        value, gradients = graded(losses.create(name), rows(name, b, t, 4, seed=5), np.eye(t, b, dtype=bool))
        assert math.isfinite(value)
        assert all(np.isfinite(gradient).all() for gradient in gradients.values())

    def test_it_is_a_mean_over_texts(self, name):
        """Each text told twice changes nothing."""
        loss, once = losses.create(name), rows(name, 3, 5, 4, seed=1)
        twice = {view: np.repeat(given, 2, axis=0) if "texts" in view else given for view, given in once.items()}
        value = graded(loss, twice, np.repeat(POSITIVES, 2, axis=0))[0]
        assert value == pytest.approx(graded(loss, once, POSITIVES)[0], rel=1e-9)

    def test_a_step_down_the_gradient_lowers_it(self, name):
        loss, before = losses.create(name), rows(name, 3, 5, 4, seed=1)
        value, gradients = graded(loss, before, POSITIVES)
        after = {view: given - 1e-3 * gradients[view] for view, given in before.items()}
        assert graded(loss, after, POSITIVES)[0] < value

    def test_an_option_that_it_does_not_have_is_refused(self, name):
        with pytest.raises(UnknownName, match=f"Unknown option of the loss {name} 'warmth'"):
            losses.create(name, {"warmth": 1.0})


def test_an_unknown_loss_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'infonce'"):
        losses.create("info-nce")


@pytest.mark.parametrize(
    ("name", "option", "value", "why"),
    [
        ("infonce", "smoothing", 1.0, "smoothing must be a number of at least 0 and less than 1, not 1.0"),
        ("infonce", "smoothing", -0.1, "smoothing must be a number of at least 0 and less than 1, not -0.1"),
        ("infonce", "scale", 0.0, "scale must be a number of more than 0, not 0.0"),
        ("sigmoid", "block", 0.5, "block must be a number of at least 1, not 0.5"),
        ("sigmoid", "block", 1.5, "block must be a whole number, not 1.5"),
        ("sigmoid", "block", float("nan"), "block must be a number of at least 1, not nan"),
        ("sigmoid", "bias", "low", "bias must be a number, not 'low'"),
        ("triplet", "margin", -1.0, "margin must be a number of at least 0, not -1.0"),
        ("selfsupervision", "temperature", 0, "temperature must be a number of more than 0, not 0"),
        ("neighbours", "size", float("inf"), "size must be a number of at least 1, not inf"),
        ("distillation", "temperature", True, "temperature must be a number of more than 0, not True"),
    ],
)
def test_a_bad_value_is_one_error_that_names_option_and_value(name, option, value, why):
    with pytest.raises(UsageError, match=rf"The loss '{name}' refuses the options .*: {why}\."):
        losses.create(name, {option: value})


def test_numbers_of_a_configuration_may_be_whole_or_not():
    assert losses.create("sigmoid", {"block": 512.0}).block == 512
    assert losses.create("neighbours", {"size": 8.0}).size == 8
    assert losses.create("sigmoid", {"bias": -10}).logit_bias.item() == -10
