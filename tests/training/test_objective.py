"""The weighted sum of losses: which texts and views each sees, what it shares with the model, how far scales go."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from mirante import losses, registry
from mirante.batch import Batch
from mirante.errors import UnknownName, UsageError
from mirante.training import objective
from mirante.training.config import LossTerm
from mirante.training.objective import Objective

TRUE = np.array([[0, 0], [1, 1], [2, 0], [2, 1], [3, 2]])
BATCH = Batch(np.arange(3), ("a", "b", "c", "d"), TRUE, np.array(["full", "noun", "partial", "full"]))


class Clip(nn.Module):
    """What an objective shares with a CLIP: a scale, here 20."""

    def __init__(self, scale=20.0):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale)))


class Siglip(Clip):
    """What it shares with a SigLIP: a scale and a bias, each of shape (1,)."""

    def __init__(self, scale=20.0, bias=-4.0):
        super().__init__(scale)
        self.logit_scale = nn.Parameter(self.logit_scale.detach().reshape(1))
        self.logit_bias = nn.Parameter(torch.tensor([bias]))


def rows(count, seed):
    return normalize(torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


VIEWS = {
    "images": rows(3, 0),
    "texts": rows(4, 1),
    "other_images": rows(3, 2),
    "other_texts": rows(4, 3),
    "teacher_images": rows(3, 4),
    "teacher_texts": rows(4, 5),
}


def alone(name, at, module=None):
    """One loss, made by itself, on the texts `at` alone."""
    part = losses.create(name)
    if module:
        part.logit_scale.data.copy_(module.logit_scale.data.reshape(()))
    extra = {view: VIEWS[view][at] if "texts" in view else VIEWS[view] for view in losses.needs(part)}
    return part(VIEWS["images"], VIEWS["texts"][at], torch.from_numpy(BATCH.positives)[at], **extra)


def test_it_is_the_weighted_sum_of_losses_each_on_its_texts():
    terms = (
        LossTerm("infonce", weight=2.0, texts="full"),
        LossTerm("sigmoid", weight=0.25),
        LossTerm("triplet", weight=3.0, texts="noun"),
        LossTerm("infonce", weight=5.0, texts="partial"),
    )
    expected = 2 * alone("infonce", [0, 3], Clip()) + 0.25 * alone("sigmoid", [0, 1, 2, 3])
    expected += 3 * alone("triplet", [1]) + 5 * alone("infonce", [2], Clip())
    torch.testing.assert_close(Objective(terms, Clip())(VIEWS, BATCH), expected)


@pytest.mark.parametrize("name", ["selfsupervision", "distillation"])
def test_views_of_texts_are_chosen_like_the_texts_and_views_of_pictures_are_all_there(name):
    value = Objective((LossTerm(name, texts="full"),), Clip())(VIEWS, BATCH)
    torch.testing.assert_close(value, alone(name, [0, 3]))
    assert not torch.isclose(value, alone(name, [0, 1, 2, 3]))


def test_it_asks_for_the_views_that_its_losses_need():
    def views(*names):
        return Objective(tuple(LossTerm(name) for name in names), Clip()).views

    assert views("infonce", "sigmoid", "triplet", "neighbours") == ()
    assert views("selfsupervision") == ("other_images", "other_texts")
    assert views("distillation", "infonce", "distillation") == ("teacher_images", "teacher_texts")
    assert views("distillation", "selfsupervision") == losses.VIEWS


def test_a_loss_whose_texts_are_not_in_the_batch_is_left_out():
    both = Objective((LossTerm("triplet"), LossTerm("triplet", weight=9.0, texts="side")), Clip())
    torch.testing.assert_close(both(VIEWS, BATCH), alone("triplet", [0, 1, 2, 3]))
    nothing = Objective((LossTerm("triplet", texts="side"),), Clip())(VIEWS, BATCH)
    assert nothing.item() == 0


def test_options_are_those_of_the_term():
    terms = (LossTerm("triplet", options={"margin": 0.5}), LossTerm("sigmoid", options={"block": 2.0}))
    parts = Objective(terms, Clip()).parts
    assert parts[0].margin == 0.5
    assert parts[1].block == 2
    with pytest.raises(UnknownName, match=r"Unknown option of the loss triplet 'marge'\. Did you mean 'margin'"):
        Objective((LossTerm("triplet", options={"marge": 0.5}),), Clip())
    with pytest.raises(UsageError, match=r"block must be a whole number, not 2\.5"):
        Objective((LossTerm("sigmoid", options={"block": 2.5}),), Clip())


@pytest.mark.parametrize(
    ("name", "module", "scale", "bias"),
    [
        ("infonce", Clip(), 20.0, None),
        ("sigmoid", Siglip(), 20.0, -4.0),
        ("infonce", Siglip(), 1 / 0.07, None),  # a scale without its bias means something else
        ("sigmoid", Clip(), 10.0, -10.0),
    ],
    ids=["infonce of CLIP", "sigmoid of SigLIP", "infonce of SigLIP", "sigmoid of CLIP"],
)
def test_scale_and_bias_start_at_the_models_own_where_they_mean_the_same(name, module, scale, bias):
    (part,) = Objective((LossTerm(name),), module).parts
    assert part.logit_scale.exp().item() == pytest.approx(scale)
    assert bias is None or part.logit_bias.item() == bias


def learnt(made, **values):
    """An objective whose learned numbers have moved, by the name of each."""
    with torch.no_grad():
        for name, value in values.items():
            dict(made.named_parameters())[name.replace("__", ".")].fill_(value)
    return made


def test_they_are_left_in_the_model_at_the_end():
    module = Siglip()
    made = Objective((LossTerm("infonce"), LossTerm("sigmoid")), module)
    learnt(made, parts__0__logit_scale=1.0, parts__1__logit_scale=2.0, parts__1__logit_bias=-3.0).write_back(module)
    assert (module.logit_scale.item(), module.logit_bias.item()) == (2.0, -3.0)


def test_a_loss_of_another_kind_leaves_the_models_own_alone():
    clip, siglip = Clip(), Siglip()
    learnt(Objective((LossTerm("sigmoid"),), clip), parts__0__logit_scale=1.0).write_back(clip)
    learnt(Objective((LossTerm("infonce"),), siglip), parts__0__logit_scale=1.0).write_back(siglip)
    for module in (clip, siglip):
        assert module.logit_scale.exp().item() == pytest.approx(20)


def test_of_several_that_learn_one_the_first_is_kept():
    module = Clip()
    made = Objective((LossTerm("infonce"), LossTerm("infonce", texts="full"), LossTerm("triplet")), module)
    learnt(made, parts__0__logit_scale=1.0, parts__1__logit_scale=2.0).write_back(module)
    assert module.logit_scale.item() == 1.0


@pytest.mark.parametrize(
    ("start", "moved", "held"), [(20.0, 300.0, 100.0), (20.0, 90.0, 90.0), (117.0, 300.0, 117.0), (117.0, 50.0, 50.0)]
)
def test_a_scale_is_held_at_a_hundred_or_where_the_model_started(start, moved, held):
    """SigLIP's own scale is above the bound that CLIP was trained with: the first step may not pull it down."""
    made = learnt(Objective((LossTerm("sigmoid"),), Siglip(start)), parts__0__logit_scale=math.log(moved))
    made.clamp()
    (part,) = made.parts
    assert part.logit_scale.exp().item() == pytest.approx(held, rel=1e-5)
    assert part.logit_bias.item() == -4


def test_the_bound_is_that_of_clip():
    assert objective.MAX_SCALE == 100


@pytest.mark.parametrize("name", registry.names("mirante.losses"))
def test_every_loss_reads_the_truth_from_its_cells_alone(name):
    """The whole table of a large batch is never asked of the batch."""
    cells = SimpleNamespace(true=BATCH.true, roles=BATCH.roles)
    value = Objective((LossTerm(name),), Siglip())(VIEWS, cells)
    assert torch.isfinite(value)


def test_the_queue_of_neighbours_is_part_of_the_state():
    made = Objective((LossTerm("infonce"), LossTerm("neighbours", texts="full")), Clip())
    made(VIEWS, BATCH)
    fresh = Objective(made.terms, Clip())
    fresh.load_state_dict(made.state_dict())
    assert torch.equal(fresh.parts[1].queue, VIEWS["texts"][[0, 3]])
