"""The queue of nearest neighbours: what is found in it, what enters, what leaves, and what a state keeps."""

import math

import numpy as np
import pytest
import torch
from plain_losses import graded, unit
from safetensors.torch import load_file, save_file
from torch import nn

from mirante.losses import infonce, neighbours

EYE = torch.eye(3)
OWN = torch.eye(3, dtype=torch.bool)


def filled(*rows, **options):
    """A loss whose queue holds these rows."""
    loss = neighbours.Loss(temperature=0.5, **options)
    loss.queue = torch.stack(rows)
    return loss


def test_while_the_queue_is_empty_a_text_is_its_own_neighbour():
    rows = {"images": unit(3, 4, seed=1), "texts": unit(3, 4, seed=2)}
    value, gradients = graded(neighbours.Loss(temperature=0.5), rows, np.eye(3, dtype=bool))
    plain, expected = graded(infonce.Loss(scale=2.0), rows, np.eye(3, dtype=bool))
    assert value == pytest.approx(plain, rel=1e-6)
    np.testing.assert_allclose(gradients["texts"], expected["texts"], rtol=1e-6)


def test_an_image_is_compared_with_the_neighbour_and_not_with_the_text():
    """Texts near the axes 0 and 1; the neighbours are the axes themselves: softmax of (2, 0)."""
    texts = torch.tensor([[0.8, 0.6, 0.0], [0.0, 0.8, 0.6]])
    value = filled(EYE[0], EYE[1])(EYE[:2], texts, OWN[:2, :2])
    assert value.item() == pytest.approx(math.log(1 + math.exp(-2)))


def test_texts_with_one_neighbour_share_their_images():
    """Both texts find axis 0. Counted as one, both images are true of it and nothing is wrong."""
    texts = torch.tensor([[0.8, 0.6, 0.0], [0.8, 0.0, 0.6]])
    assert filled(EYE[0], -EYE[1])(EYE[:2], texts, OWN[:2, :2]).item() == pytest.approx(0, abs=1e-6)


def test_two_equal_rows_of_the_queue_are_one_neighbour():
    loss = filled(EYE[0], EYE[0])
    assert loss(EYE[:2], EYE[[0, 0]], OWN[:2, :2]).item() == pytest.approx(0, abs=1e-6)


def test_rows_of_the_queue_carry_no_gradient():
    images, texts = EYE.clone().requires_grad_(), EYE.clone().requires_grad_()
    loss = filled(EYE[1], EYE[2])
    loss(images, texts, OWN).backward()
    assert images.grad.abs().max() > 0
    assert texts.grad is None
    assert not loss.queue.requires_grad


def test_each_training_call_adds_its_texts_once_and_the_oldest_leave():
    loss = neighbours.Loss(size=3)
    loss(EYE, EYE[:2], OWN[:2])
    assert torch.equal(loss.queue, EYE[:2])
    loss(EYE, -EYE[:2], OWN[:2])
    assert torch.equal(loss.queue, torch.stack([EYE[1], -EYE[0], -EYE[1]]))


def test_a_batch_larger_than_the_queue_leaves_its_last_texts():
    loss = neighbours.Loss(size=2)
    loss(EYE, EYE, OWN)
    assert torch.equal(loss.queue, EYE[1:])


def test_the_neighbour_comes_from_earlier_calls_only():
    """Own texts enter after the search: the axis -0 is all that there is to find."""
    loss = filled(-EYE[0])
    value = loss(EYE, EYE, OWN).item()
    assert value == pytest.approx(0, abs=1e-6)  # one neighbour for all, which shares all images
    assert len(loss.queue) == 4


def test_outside_of_training_nothing_enters():
    loss = filled(EYE[0]).eval()
    loss(EYE, EYE, OWN)
    assert torch.equal(loss.queue, EYE[:1])


def after_two_steps():
    loss = neighbours.Loss(size=5)
    for seed in (1, 2):
        loss(EYE, torch.from_numpy(unit(3, 3, seed=seed)).float(), OWN)
    return loss


def test_a_resumed_queue_goes_on_to_the_bit(tmp_path):
    """As the trainer does it: inside a list of losses, through safetensors, into a loss that has seen nothing."""
    kept, fresh = nn.ModuleList([after_two_steps()]), nn.ModuleList([neighbours.Loss(size=5)])
    save_file(kept.state_dict(), tmp_path / "state.safetensors")
    fresh.load_state_dict(load_file(tmp_path / "state.safetensors"))
    images, texts = (torch.from_numpy(unit(3, 3, seed=seed)).float() for seed in (3, 4))
    assert torch.equal(fresh[0].queue, kept[0].queue)
    for _ in range(2):
        assert torch.equal(fresh[0](images, texts, OWN), kept[0](images, texts, OWN))
    assert torch.equal(fresh[0].queue, kept[0].queue)


def test_the_state_before_the_first_step_can_be_restored_too(tmp_path):
    save_file(neighbours.Loss().state_dict(), tmp_path / "state.safetensors")
    used = after_two_steps()
    used.load_state_dict(load_file(tmp_path / "state.safetensors"))
    assert len(used.queue) == 0


def test_a_state_without_the_queue_is_refused():
    with pytest.raises(RuntimeError, match=r"Missing key.*queue"):
        neighbours.Loss().load_state_dict({})


def test_a_restored_queue_is_a_copy():
    kept = after_two_steps()
    fresh = neighbours.Loss(size=5)
    fresh.load_state_dict(kept.state_dict())
    fresh(EYE, EYE, OWN)
    assert not torch.equal(fresh.queue, kept.queue)
