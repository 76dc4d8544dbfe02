"""Steps: the rate of each, of each layer, what decays, who steps what, and nothing where a gradient is not finite."""

import math

import pytest
import torch
from torch import nn
from transformers import CLIPConfig, CLIPModel

from mirante.training import adapters, geometric, towers
from mirante.training.config import Data, Lora, Model, TrainConfig, Trained
from mirante.training.muon import Muon
from mirante.training.optimisers import Stepper, rate


def config(**settings):
    plain = {"steps": 10, "learning_rate": 0.1, "warmup": 0, "weight_decay": 0.5, "clip": 1.0}
    return TrainConfig("", Model(start="x"), Data("x"), **{**plain, **settings})


@pytest.fixture(scope="module")
def module():
    """A CLIP whose image tower has three blocks and whose text tower has two."""
    tower = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 2}
    sight = tower | {"num_hidden_layers": 3, "image_size": 8, "patch_size": 4}
    words = tower | {"num_hidden_layers": 2, "vocab_size": 12, "max_position_embeddings": 6}
    return CLIPModel(CLIPConfig(text_config=words, vision_config=sight, projection_dim=4))


class Scale(nn.Module):
    """The losses' part: a scale."""

    def __init__(self):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(1.0))


def rates(**settings):
    told = config(**settings)
    return pytest.approx([rate(step, told) for step in range(told.steps)], abs=1e-12)


def test_without_warm_up_a_cosine_starts_at_its_peak_and_is_half_way_down_in_the_middle():
    assert rates(steps=4, schedule="cosine") == [1, 0.5 + 0.5 / math.sqrt(2), 0.5, 0.5 - 0.5 / math.sqrt(2)]


def test_a_linear_schedule_loses_the_same_at_each_step():
    assert rates(steps=4, schedule="linear") == [1, 0.75, 0.5, 0.25]


def test_a_constant_schedule_stays():
    assert rates(steps=3, schedule="constant") == [1, 1, 1]


def test_warm_up_climbs_linearly_and_the_schedule_takes_what_is_left():
    assert rates(steps=8, warmup=4, schedule="linear") == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]
    assert rates(steps=4, warmup=2, schedule="constant") == [0.5, 1, 1, 1]


def test_past_its_end_a_schedule_stays_at_nothing():
    assert [rate(step, config(schedule="linear")) for step in (10, 11)] == [0, 0]


def test_a_warm_up_longer_than_the_run_never_reaches_the_peak():
    assert rates(steps=2, warmup=4) == [0.25, 0.5]


def one_step(gradient, *, scale_gradient=0.0, **settings):
    """A step of a 1 × 2 matrix from (3, 3) and of the scale from 1 → (both, what the step says)."""
    module, objective = nn.Linear(2, 1, bias=False), Scale()
    stepper = Stepper(config(**settings), module, objective)
    with torch.no_grad():
        module.weight.fill_(3)
    stepper.zero()
    module.weight.grad = torch.tensor([gradient])
    objective.logit_scale.grad = torch.tensor(scale_gradient)
    told = stepper.step(0)
    return module.weight.detach()[0].tolist(), objective.logit_scale.item(), told, module.weight.grad[0].tolist()


def test_adamws_first_step_is_the_rate_against_the_sign_after_decay():
    """3 · (1 - 0.1 · 0.5) ± 0.1; the scale, ten times as fast and without decay, from 1 to 2."""
    weight, scale, told, _ = one_step([0.3, -0.4], scale_gradient=-0.2)
    assert weight == pytest.approx([2.85 - 0.1, 2.85 + 0.1], abs=1e-5)
    assert scale == pytest.approx(2, abs=1e-5)
    assert told == pytest.approx((0.1, 0.5))


def test_a_long_gradient_is_cut_to_the_clip_and_the_norm_told_is_the_one_before():
    *_, told, gradient = one_step([3.0, -4.0], clip=0.5)
    assert told[1] == pytest.approx(5)
    assert gradient == pytest.approx([0.3, -0.4], rel=1e-4)


def test_a_short_gradient_is_left_alone():
    *_, gradient = one_step([0.3, -0.4], clip=0.5 + 1e-3)
    assert gradient == pytest.approx([0.3, -0.4], rel=1e-6)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_where_a_gradient_is_not_finite_nothing_moves(wrong, optimiser):
    weight, scale, told, _ = one_step([0.3, wrong], scale_gradient=0.1, optimiser=optimiser)
    assert (weight, scale) == ([3, 3], 1)
    assert not math.isfinite(told[1])
    weight, scale, told, _ = one_step([0.3, 0.1], scale_gradient=wrong, optimiser=optimiser)
    assert (weight, scale) == ([3, 3], 1)
    assert not math.isfinite(told[1])


class Scaler:
    """Of fp16 gradients, by 8; counts what it is asked."""

    def __init__(self):
        self.asked = []

    def unscale_(self, optimiser):
        for group in optimiser.param_groups:
            for value in group["params"]:
                value.grad /= 8

    def step(self, optimiser):
        self.asked.append("step")
        optimiser.step()

    def update(self):
        self.asked.append("update")


@pytest.mark.parametrize(("gradient", "asked"), [(8.0, ["step", "step", "update"]), (math.inf, ["update"])])
def test_scaled_gradients_are_clipped_after_unscaling_and_a_bad_step_only_lowers_the_scale(gradient, asked):
    module, objective, scaler = nn.Linear(1, 1), Scale(), Scaler()
    stepper = Stepper(config(optimiser="muon", clip=0.5), module, objective, scaler)
    for value in (*module.parameters(), *objective.parameters()):
        value.grad = torch.full_like(value, gradient)
    _, norm = stepper.step(0)
    assert scaler.asked == asked
    if math.isfinite(gradient):
        assert norm == pytest.approx(math.sqrt(2))
        assert module.weight.grad.item() == pytest.approx(0.5 / math.sqrt(2), rel=1e-4)


def groups(module, objective=None, **settings):
    """Of each parameter, (optimiser, its share of the rate, its decay)."""
    stepper = Stepper(config(**settings), module, objective or Scale())
    names = {value: name for name, value in module.named_parameters()}
    return {
        names.get(value, "loss"): (type(optimiser), group["peak"] / 0.1, group["weight_decay"])
        for optimiser in stepper.optimisers
        for group in optimiser.param_groups
        for value in group["params"]
    }


def test_matrices_decay_and_norms_biases_embeddings_and_scales_do_not(module):
    found = groups(module)
    decays = {name for name, (_, _, decay) in found.items() if decay == 0.5}
    layers = {name.removesuffix(".weight").rpartition(".")[2] for name in decays}
    assert layers == {"q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2", "visual_projection", "text_projection"}
    assert len(decays) == 5 * 6 + 2
    still = {name for name, (_, _, decay) in found.items() if decay == 0}
    assert decays | still == {name for name, _ in module.named_parameters()} - {"logit_scale"} | {"loss"}
    assert still >= {
        "loss",
        "vision_model.encoder.layers.0.layer_norm1.weight",
        "vision_model.encoder.layers.0.mlp.fc1.bias",
        "vision_model.embeddings.class_embedding",
        "vision_model.embeddings.patch_embedding.weight",
        "text_model.embeddings.token_embedding.weight",
        "text_model.embeddings.position_embedding.weight",
    }


def test_the_losses_scale_is_stepped_and_not_the_models_copy_of_it(module):
    found = groups(module)
    assert found["loss"] == (torch.optim.AdamW, pytest.approx(10), 0)
    assert "logit_scale" not in found


def test_muon_takes_the_layers_matrices_and_adamw_the_rest(module):
    found = groups(module, optimiser="muon")
    assert {decay for kind, _, decay in found.values() if kind is Muon} == {0.5}
    assert {decay for kind, _, decay in found.values() if kind is torch.optim.AdamW} == {0}


def test_a_loss_without_a_scale_and_a_model_of_matrices_only_need_one_optimiser():
    (optimiser,) = Stepper(config(optimiser="muon"), nn.Linear(3, 2, bias=False), nn.Identity()).optimisers
    assert isinstance(optimiser, Muon)


@pytest.fixture
def fresh(module):
    return CLIPModel(module.config)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_adapters_decay_as_matrices_under_adamw_and_magnitudes_of_dora_do_not(fresh, optimiser):
    adapters.inject(fresh, Lora(rank=2, dora=True, layers=("fc1", "token_embedding")), lambda name: True)
    found = groups(fresh, optimiser=optimiser)
    assert {kind for kind, _, _ in found.values()} == {torch.optim.AdamW}
    layer = "text_model.encoder.layers.0.mlp.fc1.lora"
    assert [found[f"{layer}_{part}.default.weight"][2] for part in ("A", "B", "magnitude_vector")] == [0.5, 0.5, 0]
    words = "text_model.embeddings.token_embedding.lora_embedding"
    assert [found[f"{words}_{part}.default"][2] for part in "AB"] == [0, 0]


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_magnitudes_and_directions_of_geometric_weights_have_no_decay(fresh, optimiser):
    geometric.split(fresh, lambda name: True)
    found = groups(fresh, optimiser=optimiser)
    weight = "text_model.encoder.layers.0.mlp.fc1.parametrizations.weight"
    assert [found[f"{weight}.original{at}"] for at in (0, 1)] == [(torch.optim.AdamW, 1, 0)] * 2
    assert found["text_model.encoder.layers.0.self_attn.q_proj.weight"][2] == 0.5


IMAGE = {
    "vision_model.embeddings.class_embedding": 1 / 8,
    "vision_model.embeddings.patch_embedding.weight": 1 / 8,
    "vision_model.pre_layrnorm.weight": 1 / 8,
    "vision_model.encoder.layers.0.self_attn.q_proj.weight": 1 / 4,
    "vision_model.encoder.layers.0.layer_norm1.bias": 1 / 4,
    "vision_model.encoder.layers.1.mlp.fc1.weight": 1 / 2,
    "vision_model.encoder.layers.2.mlp.fc2.bias": 1,
    "vision_model.post_layernorm.weight": 1,
    "visual_projection.weight": 1,
}
TEXT = {
    "text_model.embeddings.token_embedding.weight": 1 / 4,
    "text_model.encoder.layers.0.mlp.fc2.weight": 1 / 2,
    "text_model.encoder.layers.1.self_attn.out_proj.weight": 1,
    "text_model.final_layer_norm.bias": 1,
    "text_projection.weight": 1,
}


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_each_block_learns_at_half_the_rate_of_the_one_above(module, optimiser):
    """Three blocks of pictures, two of texts: each tower counts from its own top."""
    found = groups(module, optimiser=optimiser, trained=Trained(layer_decay=0.5))
    told = {name: found[name][1] for name in IMAGE | TEXT}
    assert told == pytest.approx(IMAGE | TEXT)
    assert found["loss"][1] == pytest.approx(10)


def test_decay_of_the_rate_and_of_the_weight_do_not_mix(module):
    found = groups(module, trained=Trained(layer_decay=0.5))
    plain = groups(module)
    assert {name: decay for name, (_, _, decay) in found.items()} == {name: d for name, (_, _, d) in plain.items()}


def test_adapters_learn_at_the_rate_of_their_layer(fresh):
    adapters.inject(fresh, Lora(rank=2), lambda name: True)
    found = groups(fresh, trained=Trained(layer_decay=0.5))
    shares = [found[f"vision_model.encoder.layers.{at}.mlp.fc1.lora_A.default.weight"][1] for at in range(3)]
    assert shares == pytest.approx([1 / 4, 1 / 2, 1])


def test_locked_parameters_are_in_no_group(fresh):
    fresh.vision_model.requires_grad_(False)
    assert not [name for name in groups(fresh) if name.startswith("vision_model")]


def test_the_same_rate_and_decay_share_a_group(module):
    """Two decays, and the loss: three groups; with layer decay two for each of 1/8, 1/4, 1/2 and 1 but one at 1/8."""
    assert len(Stepper(config(), module, Scale()).optimisers[0].param_groups) == 3
    by_layer = Stepper(config(trained=Trained(layer_decay=0.5)), module, Scale()).optimisers[0].param_groups
    assert len(by_layer) == 2 * 4 - 1 + 1
    assert [tower.depth for tower in towers.of(module)] == [3, 2]


def test_the_schedule_turns_the_rate_of_every_layer_alike(module):
    told = config(steps=4, schedule="linear", trained=Trained(layer_decay=0.5))
    stepper = Stepper(told, module, Scale())
    stepper.zero()
    stepper.step(1)
    for group in stepper.optimisers[0].param_groups:
        assert group["lr"] == pytest.approx(0.75 * group["peak"])
