"""Distillation by hand: nothing to learn from oneself, a target from the teacher, no gradient to it."""

import math

import numpy as np
import pytest
import torch
from plain_losses import graded, unit

from mirante.losses import distillation

OWN = np.eye(2, dtype=bool)


def rows(**changed):
    names = ("images", "texts", "teacher_images", "teacher_texts")
    return dict.fromkeys(names, np.eye(2)) | changed


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    same = {"images": unit(3, 4, seed=1), "texts": unit(5, 4, seed=2)}
    given = same | {f"teacher_{name}": one for name, one in same.items()}
    value, gradients = graded(distillation.Loss(), given, np.zeros((5, 3), dtype=bool))
    assert value == pytest.approx(0, abs=1e-12)
    assert all(np.abs(gradient).max() < 1e-12 for gradient in gradients.values())


def test_two_right_angles_by_hand():
    """Teacher: softmax of (2, 0), p = .8808; student the other way round: p·log(p/q) + q·log(q/p) = 2(p − q)."""
    p = math.exp(2) / (math.exp(2) + 1)
    value = graded(distillation.Loss(temperature=0.5), rows(images=np.eye(2)[::-1].copy()), OWN)[0]
    assert value == pytest.approx(2 * (p - (1 - p)))


def test_only_what_is_alike_counts_and_not_where_it_lies():
    """A student whose whole space is turned round finds all as alike as its teacher."""
    assert graded(distillation.Loss(), rows(images=-np.eye(2), texts=-np.eye(2)), OWN)[0] == pytest.approx(0, abs=1e-12)


def test_the_direction_of_the_divergence_is_from_teacher_to_student():
    """The teacher is undecided (½, ½), the student sure (p, q): −½·log(2p) − ½·log(2q), not p·log(2p) + q·log(2q)."""
    p = math.exp(2) / (math.exp(2) + 1)
    undecided = np.array([[1.0, 0.0], [1.0, 0.0]])
    value = graded(distillation.Loss(temperature=0.5), rows(teacher_images=undecided, teacher_texts=undecided), OWN)[0]
    assert value == pytest.approx(-0.5 * math.log(2 * p) - 0.5 * math.log(2 * (1 - p)))


def test_no_gradient_reaches_the_teacher():
    leaves = {name: torch.tensor(unit(2, 4, seed=at), requires_grad=True) for at, name in enumerate(rows())}
    images, texts = leaves.pop("images"), leaves.pop("texts")
    distillation.Loss()(images, texts, torch.from_numpy(OWN), **leaves).backward()
    assert images.grad.abs().max() > 0
    assert texts.grad.abs().max() > 0
    assert [name for name, leaf in leaves.items() if leaf.grad is not None] == []


def test_the_truth_of_the_batch_says_nothing():
    given = rows(images=unit(2, 2, seed=1))
    assert graded(distillation.Loss(), given, OWN)[0] == graded(distillation.Loss(), given, ~OWN)[0]
