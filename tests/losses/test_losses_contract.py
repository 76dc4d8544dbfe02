"""What every loss promises, asked of each component that the registry lists.

The views that a loss asks for are those of a model that has everything right: of image n and of text n it gives the
n-th axis.
"""

import pytest
import torch
from torch.nn.functional import normalize

from mirante import losses, registry
from mirante.losses._positives import Positives

NAMES = registry.names("mirante.losses")
EYE = torch.eye(4)
OWN = torch.eye(4, dtype=torch.bool)


@pytest.fixture(params=NAMES)
def loss(request):
    return losses.create(request.param)


def rows(count, seed):
    return normalize(torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


def right(loss, images, texts):
    """The views that the loss asks for, each right."""
    shapes = {name: texts.shape if "texts" in name else images.shape for name in losses.needs(loss)}
    return {name: torch.eye(*shape) for name, shape in shapes.items()}


def cost(loss, images, texts, positives):
    return loss(images, texts, positives, **right(loss, images, texts))


def nearest(images, texts):
    """Of each text, the image with the highest cosine."""
    return (texts @ normalize(images, dim=1).T).argmax(dim=1).tolist()


def test_it_is_a_finite_scalar(loss):
    value = cost(loss, rows(5, 0), rows(7, 1), torch.rand(7, 5, generator=torch.Generator().manual_seed(2)) > 0.5)
    assert value.shape == ()
    assert torch.isfinite(value)


def test_a_right_arrangement_costs_less_than_a_wrong_one(loss):
    assert cost(loss, EYE, EYE, OWN) < cost(loss, EYE, EYE.roll(1, dims=0), OWN)


def test_whoever_follows_its_gradient_ends_with_each_text_nearest_to_its_image(loss):
    free = [rows(4, 0).requires_grad_(), rows(4, 1).requires_grad_()]
    optimiser = torch.optim.Adam(free, lr=0.05)
    assert nearest(*free) != [0, 1, 2, 3]
    for _ in range(40):
        optimiser.zero_grad()
        cost(loss, *(normalize(one, dim=1) for one in free), OWN).backward()
        optimiser.step()
    assert nearest(*free) == [0, 1, 2, 3]


def test_the_order_of_images_and_of_texts_is_nothing_to_it(loss):
    images, texts, positives = rows(5, 0), rows(6, 1), torch.eye(6, 5, dtype=torch.bool)
    positives[5, 0] = True
    views = right(loss, images, texts)
    value = loss(images, texts, positives, **views)
    turned = {name: view.flip(0) for name, view in views.items()}
    shuffled = loss(images.flip(0), texts.flip(0), positives.flip(0).flip(1), **turned)
    assert shuffled.item() == pytest.approx(value.item(), rel=1e-5)


def test_an_equal_caption_of_another_image_is_no_mistake_where_relevance_says_so(loss):
    images, texts = EYE[[0, 0, 1]], EYE[[0, 0, 1]]
    shared = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    assert cost(loss, images, texts, shared) <= cost(loss, images, texts, torch.eye(3, dtype=torch.bool)) + 1e-6


def test_the_truth_may_come_as_its_true_cells(loss):
    images, texts = rows(3, 0), rows(4, 1)
    table = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=torch.bool)
    dense, cells = cost(loss, images, texts, table), cost(loss, images, texts, Positives(table.argwhere(), (4, 3)))
    assert cells.item() == pytest.approx(dense.item(), rel=1e-6)


def test_what_it_learns_itself_gets_a_gradient(loss):
    cost(loss, rows(4, 0).requires_grad_(), rows(4, 1), OWN).backward()
    assert [name for name, value in loss.named_parameters() if value.grad is None] == []
