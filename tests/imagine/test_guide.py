"""What a picture is drawn towards: the distance by hand, and the same pixels that the encoder itself would see."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders, registry
from mirante.encoders import _tensors
from mirante.errors import UsageError
from mirante.imagine.guide import Aims, Guide, spherical_distance
from mirante.types import Term

X, Y = [1.0, 0.0], [0.0, 1.0]


def test_the_distance_is_half_the_squared_angle() -> None:
    slanted = [math.cos(math.pi / 3), math.sin(math.pi / 3)]
    found = spherical_distance(torch.tensor([X, Y]), torch.tensor([X, Y, slanted, [-1.0, 0.0]]))
    right = (math.pi / 2) ** 2 / 2
    assert found[0].tolist() == pytest.approx([0, right, (math.pi / 3) ** 2 / 2, math.pi**2 / 2], abs=2e-2)
    assert found[1].tolist() == pytest.approx([right, 0, (math.pi / 6) ** 2 / 2, right], abs=1e-5)


def test_the_gradient_is_finite_where_rows_meet_and_where_they_are_opposite() -> None:
    row = torch.tensor([X], requires_grad=True)
    spherical_distance(row, torch.tensor([X, [-1.0, 0.0]])).sum().backward()
    assert torch.isfinite(row.grad).all()


def test_several_prompts_count_by_weight_and_those_below_zero_push_away() -> None:
    right = (math.pi / 2) ** 2 / 2
    aims = Aims(torch.tensor([X, Y]), torch.tensor([3.0, -1.0]))
    assert aims.distance(torch.tensor([X, Y])).tolist() == pytest.approx([-right / 4, 3 * right / 4], abs=1e-5)


@pytest.mark.parametrize("family", ["clip", "siglip", "siglip2", "blip", "blip2"])
def test_tensors_become_the_pixels_that_the_encoder_makes_of_the_picture(family, tmp_path) -> None:
    encoder = encoders.load(registry.load("mirante.encoders", family).tiny(tmp_path))
    height, width = _tensors.sides(encoder)
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    wanted = encoder.pixels([Image.fromarray(levels)])
    found = _tensors.as_pixels(encoder, torch.from_numpy(levels).permute(2, 0, 1)[None] / 255)
    wanted, found = (one if isinstance(one, dict) else {"pixel_values": one} for one in (wanted, found))
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        assert found[key].numpy() == pytest.approx(value.numpy(), abs=1e-5), key
    assert Guide(encoder).features(torch.rand(1, 3, 40, 40, requires_grad=True)).requires_grad


def test_features_are_those_of_the_encoder_and_its_weights_are_left_alone(tmp_path) -> None:
    encoder = encoders.load(registry.load("mirante.encoders", "clip").tiny(tmp_path))
    levels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    rgb = (torch.from_numpy(levels).permute(2, 0, 1)[None] / 255).requires_grad_()
    features = Guide(encoder).features(rgb)
    assert features[0].detach().numpy() == pytest.approx(encoder.encode_images([Image.fromarray(levels)])[0], abs=1e-5)
    features.sum().backward()
    assert float(rgb.grad.abs().sum()) > 0
    assert all(one.grad is None for one in encoder.module.parameters())


def test_prompts_are_texts_and_pictures(colours) -> None:
    aims = Guide(colours).aims([Term(2.0, "green"), Term(-0.5, image=Image.new("RGB", (4, 4), "blue"))])
    assert aims.rows.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert aims.weights.tolist() == [2, -0.5]


def test_prompts_that_weigh_nothing_are_refused(colours) -> None:
    with pytest.raises(UsageError, match="2 prompts weigh nothing"):
        Guide(colours).aims([Term(0.0, "red"), Term(0.0, "blue")])


def test_an_encoder_without_gradient_is_refused_with_what_to_use() -> None:
    with pytest.raises(UsageError, match=r"'toy' gives no gradient.*rank samples of a diffusers pipeline"):
        Guide(encoders.load("toy"))
