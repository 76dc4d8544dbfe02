"""The sparse truth gives the tables that a dense one would."""

import pytest
import torch
from plain_losses import sparse

TABLE = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=torch.bool)
TRUTH = sparse(TABLE.numpy())


@pytest.mark.parametrize(
    "rows",
    [slice(None), slice(0, 2), slice(1, 4), slice(3, 4), slice(4, 9), slice(9, 12), slice(-2, None), slice(2, 2)],
    ids=str,
)
def test_a_slice_is_dense_and_that_of_the_table(rows):
    assert torch.equal(TRUTH[rows], TABLE[rows])


def test_the_transpose_is_that_of_the_table():
    assert TRUTH.T.shape == (3, 5)
    assert torch.equal(TRUTH.T[:], TABLE.T)
    assert torch.equal(TRUTH.T[1:3], TABLE.T[1:3])


@pytest.mark.parametrize("chosen", [[1, 1, 1, 1, 1], [0, 1, 0, 1, 1], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]], ids=str)
def test_chosen_texts_keep_their_order_and_their_images(chosen):
    marks = torch.tensor(chosen, dtype=torch.bool)
    assert torch.equal(TRUTH.texts(marks)[:], TABLE[marks])


def test_no_true_cell_at_all():
    assert not sparse(torch.zeros(2, 3).numpy())[:].any()
    assert sparse(torch.zeros(2, 3).numpy())[:].shape == (2, 3)
