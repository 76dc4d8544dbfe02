"""The pairwise sigmoid by hand, and in blocks: the same value and gradients, a fraction of the memory."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import plain_losses as plain
import pytest
import torch
from plain_losses import differences, graded, sparse, unit

from mirante.losses import sigmoid

ROWS = {"images": unit(3, 4, seed=1), "texts": unit(5, 4, seed=2)}
POSITIVES = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)


def test_two_right_angles_by_hand():
    """z = 2 − 1 where a text lies on its image, 0 − 1 where it does not; one of each per text."""
    rows, positives = torch.eye(2), torch.eye(2, dtype=torch.bool)
    expected = math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-1))
    assert sigmoid.Loss(scale=2.0, bias=-1.0)(rows, rows, positives).item() == pytest.approx(expected)


def test_a_batch_without_a_true_pair_is_all_noes():
    nothing = np.zeros((5, 3), dtype=bool)
    expected = plain.sigmoid(**ROWS, positives=nothing, scale=4.0, bias=-1.5)
    assert graded(sigmoid.Loss(scale=4.0, bias=-1.5), ROWS, nothing)[0] == pytest.approx(expected, rel=1e-6)


def test_it_starts_where_its_paper_starts():
    assert sigmoid.Loss().logit_scale.exp().item() == pytest.approx(10)
    assert sigmoid.Loss().logit_bias.item() == -10


@pytest.mark.parametrize("positives", [POSITIVES, sparse(POSITIVES)], ids=["dense", "sparse"])
@pytest.mark.parametrize("block", [1, 2, 3, 4, 5, 1024])
def test_blocks_change_neither_the_value_nor_a_gradient(block, positives):
    def learnt(block):
        loss = sigmoid.Loss(scale=4.0, bias=-1.5, block=block)
        value, gradients = graded(loss, ROWS, positives)
        return [value, *gradients.values(), loss.logit_scale.grad.item(), loss.logit_bias.grad.item()]

    for mine, whole in zip(learnt(block), learnt(5), strict=True):
        np.testing.assert_allclose(mine, whole, rtol=1e-12)


def test_the_bias_is_learnt_and_its_gradient_exact():
    loss = sigmoid.Loss(scale=4.0, bias=-1.5, block=2)
    graded(loss, ROWS, POSITIVES)
    slope = differences(
        lambda at: plain.sigmoid(**ROWS, positives=POSITIVES, scale=4.0, bias=float(at)), np.array(-1.5)
    )
    assert loss.logit_bias.grad.item() == pytest.approx(float(slope), rel=1e-5)


PEAK = """
import sys, torch
from torch.nn.functional import normalize
from mirante.losses._positives import Positives
from mirante.losses.sigmoid import Loss

def peak():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines["VmHWM"].split()[0]) * 1024

def once(count, loss):
    images, texts = (normalize(torch.randn(count, 8), dim=1).requires_grad_() for _ in range(2))
    positives = Positives(torch.arange(count)[:, None].expand(-1, 2), (count, count))
    loss(images, texts, positives).backward()

torch.set_num_threads(1)
once(200, Loss(block=64))
before = peak()
once(6000, Loss(block=int(sys.argv[1])))
print(peak() - before)
"""


def growth(block):
    """Bytes by which the peak memory of a process grows in one forward and backward of 6,000 × 6,000 cells."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(block)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory where Linux tells it")
def test_in_blocks_the_whole_table_is_never_held():
    """One float table of 6,000 × 6,000 takes 144 MB, one block of 250 rows 6 MB."""
    assert growth(250) < 144e6 / 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory where Linux tells it")
def test_in_one_block_it_is_held_more_than_once():
    """So the measure sees what it must."""
    assert growth(6000) > 144e6 * 2
