"""What every loss promises, asked of each component that the registry lists."""

import pytest
import torch
from torch.nn.functional import normalize

from mirante import losses, registry

NAMES = registry.names("mirante.losses")
EYE = torch.eye(4)
OWN = torch.eye(4, dtype=torch.bool)


@pytest.fixture(params=NAMES)
def loss(request):
    return losses.create(request.param)


def rows(count, seed):
    return normalize(torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_it_is_a_finite_scalar(loss):
    value = loss(rows(5, 0), rows(7, 1), torch.rand(7, 5, generator=torch.Generator().manual_seed(2)) > 0.5)
    assert value.shape == ()
    assert torch.isfinite(value)


def test_a_right_arrangement_costs_less_than_a_wrong_one(loss):
    assert loss(EYE, EYE, OWN) < loss(EYE, EYE.roll(1, dims=0), OWN)


def test_a_true_pair_is_drawn_together_and_a_false_one_apart(loss):
    images, texts = rows(4, 0).requires_grad_(), rows(4, 1).requires_grad_()
    loss(images, texts, OWN).backward()
    assert images.grad.abs().sum() > 0
    with torch.no_grad():
        moved = (images - 0.01 * images.grad) @ (texts - 0.01 * texts.grad).T - images @ texts.T
    assert moved.diagonal().mean() > moved[~OWN].mean()


def test_the_order_of_images_and_of_texts_is_nothing_to_it(loss):
    images, texts, positives = rows(5, 0), rows(6, 1), torch.eye(6, 5, dtype=torch.bool)
    positives[5, 0] = True
    shuffled = loss(images.flip(0), texts.flip(0), positives.flip(0).flip(1))
    assert shuffled.item() == pytest.approx(loss(images, texts, positives).item(), rel=1e-5)


def test_an_equal_caption_of_another_image_is_no_mistake_where_relevance_says_so(loss):
    images, texts = EYE[[0, 0, 1]], EYE[[0, 0, 1]]
    shared = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    assert loss(images, texts, shared) <= loss(images, texts, torch.eye(3, dtype=torch.bool)) + 1e-6


def test_what_it_learns_itself_gets_a_gradient(loss):
    loss(rows(4, 0).requires_grad_(), rows(4, 1), OWN).backward()
    assert [name for name, value in loss.named_parameters() if value.grad is None] == []
