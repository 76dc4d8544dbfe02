"""Probabilities of labels, at the scale that the model learned."""

import math
from pathlib import Path

import numpy as np
import pytest

from mirante import encoders, registry
from mirante.classification import Label, Scale, ZeroShot, scale_of
from mirante.classification.zeroshot import order

CAT, DOG = Label("cat", "gato"), Label("dog", "cachorro")
AXES = np.eye(2, dtype=np.float32)


def test_a_softmax_at_the_learned_scale() -> None:
    zero = ZeroShot((CAT, DOG), AXES, Scale(10.0))
    picture = np.array([[0.6, 0.8]], np.float32)
    np.testing.assert_allclose(zero.probabilities(picture), [[1 / (1 + math.e**2), 1 / (1 + math.e**-2)]], rtol=1e-5)


def test_labels_of_one_picture_are_ranked_with_their_own_words() -> None:
    first, second = ZeroShot((CAT, DOG), AXES, Scale(10.0)).ranked(np.array([0.6, 0.8], np.float32))
    assert (first["label"], first["words"], first["cosine"], first["match"]) == (
        "dog",
        "cachorro",
        pytest.approx(0.8),
        None,
    )
    assert (second["label"], second["cosine"]) == ("cat", pytest.approx(0.6))
    assert first["probability"] + second["probability"] == pytest.approx(1)


def test_a_sigmoid_model_says_besides_whether_each_label_fits() -> None:
    first, second = ZeroShot((CAT, DOG), AXES, Scale(10.0, -6.0)).ranked(np.array([0.6, 0.8], np.float32))
    assert first["match"] == pytest.approx(1 / (1 + math.exp(-2)))
    assert second["match"] == pytest.approx(0.5)
    assert first["probability"] == pytest.approx(1 / (1 + math.exp(-2))), "the bias is no matter to the softmax"


def test_large_scales_do_not_overflow() -> None:
    said = Scale(1e5).softmax(np.array([[1.0, -1.0]], np.float32))
    assert said.tolist() == [[1.0, 0.0]]


def test_equal_probabilities_keep_the_order_of_the_labels() -> None:
    assert order(np.array([[0.25, 0.5, 0.25], [0.2, 0.4, 0.4]])).tolist() == [[1, 0, 2], [1, 2, 0]]
    many = np.tile([0.01, 0.02], 60)[None]  # so many that a sort may part equal ones
    assert order(many).tolist() == [[*range(1, 120, 2), *range(0, 120, 2)]]


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_the_scale_is_the_one_in_the_checkpoint(family: str, tmp_path: Path) -> None:
    encoder = encoders.load(registry.load("mirante.encoders", family).tiny(tmp_path))
    module = encoder.module  # type: ignore[attr-defined]
    found = scale_of(encoder)
    assert found.learned
    assert found.factor == pytest.approx(math.exp(module.logit_scale.item()), rel=1e-5)
    assert found.bias == (None if family == "clip" else pytest.approx(module.logit_bias.item()))


def test_an_encoder_without_a_scale_gets_the_published_one_and_says_so() -> None:
    assert scale_of(encoders.load("toy")) == Scale(100.0, None, learned=False)
