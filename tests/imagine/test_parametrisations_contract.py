"""What every parametrisation promises, asked of each component that the registry lists."""

import pytest
import torch

from mirante import registry
from mirante.errors import MiranteError
from mirante.imagine.parametrisations import Drawing, open_parametrisation

FAMILY = "mirante.imagine.parametrisations"


@pytest.fixture(params=registry.names(FAMILY))
def address(request) -> str:
    return f"vqgan:{request.getfixturevalue('tiny_vqgan')}" if request.param == "vqgan" else request.param


def test_a_picture_has_the_size_asked_for_and_values_from_0_to_1(address: str) -> None:
    picture = open_parametrisation(address, Drawing(24)).picture()
    assert picture.shape == (1, 3, 24, 24)
    assert float(picture.detach().min()) >= 0
    assert float(picture.detach().max()) <= 1


def test_the_seed_decides_the_start(address: str) -> None:
    first, again, other = (open_parametrisation(address, Drawing(16, seed)).picture() for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_every_number_has_a_gradient_and_a_step_changes_the_picture(address: str) -> None:
    drawn = open_parametrisation(address, Drawing(16))
    before = drawn.picture()
    before.square().sum().backward()
    assert all(torch.isfinite(one.grad).all() and one.grad.any() for one in drawn.parameters())
    with torch.no_grad():
        for one in drawn.parameters():
            one.add_(one.grad, alpha=100)
    drawn.settle()
    assert not torch.equal(drawn.picture(), before)
    assert drawn.rate > 0


def test_the_picture_is_of_its_numbers_alone(address: str) -> None:
    drawn = open_parametrisation(address, Drawing(16))
    assert torch.equal(drawn.picture(), drawn.picture())
    drawn.settle()
    assert all(one.requires_grad and one.is_leaf for one in drawn.parameters())


def test_an_address_that_means_nothing_is_refused_in_words(address: str) -> None:
    with pytest.raises(MiranteError, match="nowhere"):
        open_parametrisation(f"{address.partition(':')[0]}:nowhere", Drawing(16))
