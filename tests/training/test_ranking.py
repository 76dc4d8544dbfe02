"""The losses of a guide: by hand, and where they must be blind."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, logsigmoid

from mirante.errors import UnknownName
from mirante.training.ranking import LOSSES, Ranking

SCORES = torch.tensor([[0.9, 0.1, 0.4], [0.2, 0.3, 0.6]])
TRUE = torch.tensor([[True, False, False], [False, True, True]])
ALL = torch.ones(2, 3, dtype=torch.bool)
SCALE = torch.tensor(5.0)


def value(name, scores=SCORES, known=ALL, true=TRUE, bias=0.0):
    return LOSSES[name](scores, SCALE, bias, known, true).item()


def test_cross_entropy_is_the_librarys_where_one_picture_is_true():
    true = torch.eye(3, dtype=torch.bool)[:2]
    wanted = cross_entropy(5 * SCORES, torch.tensor([0, 1])).item()
    assert value("cross-entropy", true=true) == pytest.approx(wanted)


def test_several_true_pictures_of_a_text_do_not_compete():
    """Text 1 against its one false picture twice: at 0.3 and at 0.6 to 0.2."""
    text_0 = -(5 * SCORES[0]).log_softmax(dim=0)[0].item()
    text_1 = -(logsigmoid(torch.tensor(5 * 0.1)) + logsigmoid(torch.tensor(5 * 0.4))).item() / 2
    assert value("cross-entropy") == pytest.approx((text_0 + text_1) / 2)


def test_the_symmetric_loss_asks_each_picture_for_its_text_too():
    texts = cross_entropy(5 * SCORES.T, torch.tensor([0, 1, 1])).item()
    assert value("symmetric") == pytest.approx((value("cross-entropy") + texts) / 2)


def test_sigmoid_judges_each_cell_and_sums_over_the_pictures_of_a_text():
    signs = torch.where(TRUE, 1.0, -1.0)
    assert value("sigmoid", bias=-2.0) == pytest.approx(-logsigmoid(signs * (5 * SCORES - 2)).sum().item() / 2)


def test_matches_are_judged_by_two_classes_half_for_the_true_pictures_of_a_text():
    """The library's cross-entropy of the logits (0, score), as of one head for a match and for none."""

    def each(text, pictures, kind):
        logits = torch.tensor([[0.0, SCORES[text, picture]] for picture in pictures])
        return cross_entropy(logits, torch.full((len(pictures),), kind)).item()

    first, second = (each(0, [0], 1) + each(0, [1, 2], 0)) / 2, (each(1, [1, 2], 1) + each(1, [0], 0)) / 2
    assert value("itm") == pytest.approx((first + second) / 2)


def test_smooth_ap_is_one_less_the_average_precision_where_scores_lie_apart():
    """Text 0: 1/1. Text 1: its pictures are second and first of three, so (2/2 + 1/1) / 2 = 1."""
    assert value("smooth-ap") == pytest.approx(0.0, abs=1e-4)
    worse = torch.tensor([[0.9, 0.1, 0.4], [0.9, 0.3, 0.6]])  # now third and second: (2/3 + 1/2) / 2
    assert value("smooth-ap", worse) == pytest.approx((0 + 1 - (2 / 3 + 1 / 2) / 2) / 2, abs=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_a_score_that_is_not_known_changes_nothing(name):
    known = torch.tensor([[True, True, False], [True, True, False]])
    other = SCORES.clone()
    other[:, 2] = 7.0
    assert value(name, known=known) == pytest.approx(value(name, other, known))
    assert value(name, known=known) != pytest.approx(value(name, other))


@pytest.mark.parametrize("name", LOSSES)
def test_a_better_order_costs_less_and_the_gradient_says_so(name):
    scores = SCORES.clone().requires_grad_()
    LOSSES[name](scores, SCALE, 0.0, ALL, ~TRUE).backward()
    assert (scores.grad[TRUE] >= 0).all()
    assert scores.grad[TRUE].sum() > 0
    assert value(name) < value(name, true=~TRUE)


@pytest.mark.parametrize("name", ["cross-entropy", "symmetric", "itm", "smooth-ap"])
def test_a_text_without_a_false_picture_has_no_say(name):
    scores = SCORES.clone().requires_grad_()
    LOSSES[name](scores, SCALE, 0.0, ALL, torch.ones_like(TRUE)).backward()
    assert (scores.grad == 0).all()


class Base(torch.nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.logit_scale = torch.nn.Parameter(torch.tensor([math.log(scale)]))
        self.logit_bias = torch.nn.Parameter(torch.tensor([-9.0]))


def test_scale_and_bias_start_at_the_bases_own_and_are_held():
    made = Ranking("sigmoid", Base(20.0))
    assert (made.logit_scale.exp().item(), made.logit_bias.item()) == pytest.approx((20.0, -9.0))
    with torch.no_grad():
        made.logit_scale.fill_(9.0)
    made.clamp()
    assert made.logit_scale.exp().item() == pytest.approx(100.0)
    high = Ranking("cross-entropy", Base(115.0))
    high.clamp()
    assert high.logit_scale.exp().item() == pytest.approx(115.0)
    assert [name for name, _ in high.named_parameters()] == ["logit_scale"]


def test_another_loss_is_refused_by_name():
    with pytest.raises(UnknownName, match="crossentropy"):
        Ranking("crossentropy", Base(20.0))
