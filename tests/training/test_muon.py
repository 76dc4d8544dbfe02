"""Muon: near-orthogonal steps along the averaged gradient, of AdamW's size, with decoupled decay."""

import numpy as np
import pytest
import torch

from mirante.training.muon import Muon, near_orthogonal


def gaussian(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)).float()


@pytest.mark.parametrize("shape", [(4, 16, 64), (4, 64, 16), (3, 32, 33), (1, 128, 512), (2, 1, 8), (2, 8, 1)], ids=str)
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_singular_values_come_near_one_and_shapes_stay(shape, scale):
    found = near_orthogonal(scale * gaussian(*shape))
    assert found.shape == shape
    values = torch.linalg.svdvals(found)
    assert values.min().item() > 0.5
    assert values.max().item() < 1.5


def test_directions_stay_what_they_are():
    """U S Vᵀ becomes U S′ Vᵀ: seen from its own singular vectors, the answer is diagonal and positive."""
    matrix = gaussian(1, 12, 40)
    u, _, vt = torch.linalg.svd(matrix[0], full_matrices=False)
    seen = u.T @ near_orthogonal(matrix)[0] @ vt.T
    assert (seen - torch.diag(seen.diagonal())).abs().max() < 1e-4
    assert seen.diagonal().min() > 0.5


def test_nothing_stays_nothing():
    assert near_orthogonal(torch.zeros(1, 4, 6)).abs().max() == 0


def stepped(matrix, gradient, **settings):
    """The matrix after one step with that gradient."""
    parameter = torch.nn.Parameter(matrix.clone())
    parameter.grad = gradient.clone()
    Muon([parameter], **{"lr": 0.01, **settings}).step()
    return parameter.detach()


@pytest.mark.parametrize("shape", [(16, 64), (64, 16)])
def test_a_step_goes_down_the_gradient_by_a_fifth_of_the_rate(shape):
    matrix, gradient = gaussian(*shape, seed=1), gaussian(*shape, seed=2)
    change = stepped(matrix, gradient) - matrix
    assert (change * gradient).sum() < 0
    assert change.square().mean().sqrt().item() == pytest.approx(0.2 * 0.01, rel=0.3)


def test_the_size_of_the_gradient_does_not_matter():
    matrix, gradient = gaussian(16, 64, seed=1), gaussian(16, 64, seed=2)
    torch.testing.assert_close(stepped(matrix, gradient), stepped(matrix, 1000 * gradient), rtol=0, atol=1e-6)


def test_decay_is_decoupled_from_the_gradient():
    matrix, gradient = gaussian(16, 64, seed=1), gaussian(16, 64, seed=2)
    torch.testing.assert_close(stepped(matrix, torch.zeros(16, 64), weight_decay=0.5), matrix * (1 - 0.01 * 0.5))
    step = stepped(matrix, gradient) - matrix
    torch.testing.assert_close(stepped(matrix, gradient, weight_decay=0.5), matrix * (1 - 0.01 * 0.5) + step)


def test_a_matrix_without_gradient_stays():
    still, moving = (torch.nn.Parameter(gaussian(4, 6, seed=seed)) for seed in (1, 2))
    before = still.detach().clone()
    moving.grad = gaussian(4, 6, seed=3)
    Muon([still, moving], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(still, before)


def test_matrices_of_one_shape_move_as_each_would_alone():
    matrices, gradients = ([gaussian(8, 12, seed=seed) for seed in seeds] for seeds in ((1, 2), (3, 4)))
    together = [torch.nn.Parameter(matrix.clone()) for matrix in matrices]
    for parameter, gradient in zip(together, gradients, strict=True):
        parameter.grad = gradient
    Muon(together, lr=0.01).step()
    for parameter, matrix, gradient in zip(together, matrices, gradients, strict=True):
        torch.testing.assert_close(parameter.detach(), stepped(matrix, gradient))


def test_momentum_remembers_the_gradient_before():
    """The first gradient is of the upper rows only, the second of the lower: the second step still moves the upper."""
    parameter = torch.nn.Parameter(torch.zeros(8, 8))
    optimiser = Muon([parameter], lr=0.01)
    first, second = gaussian(8, 8, seed=1), gaussian(8, 8, seed=2)
    first[4:], second[:4] = 0, 0
    for gradient in (first, second):
        before = parameter.detach().clone()
        parameter.grad = gradient
        optimiser.step()
    change = parameter.detach() - before
    assert (change * first).sum() < -0.001
    assert (change * second).sum() < -0.001


def test_it_finds_the_bottom_of_a_bowl():
    target = gaussian(6, 10, seed=1)
    parameter = torch.nn.Parameter(torch.zeros(6, 10))
    optimiser = Muon([parameter], lr=0.05)
    costs = []
    for _ in range(200):
        cost = (parameter - target).square().sum()
        costs.append(cost.item())
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
    assert costs[-1] < 0.01 * costs[0]
