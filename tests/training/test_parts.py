"""What is trained: exactly the named parts of each tower, geometric weights, and plain checkpoints again."""

import copy
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy, normalize

from mirante import encoders
from mirante.encoders import _tiny
from mirante.errors import ModelError, UnknownName, UsageError
from mirante.training import parts, towers
from mirante.training.config import Lora, Trained
from mirante.training.state import Position, Store

PICTURES = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
TEXTS = ["a red square", "um cão azul", "three green fish"]
MAKERS = {"clip": _tiny.clip, "siglip": _tiny.siglip, "naflex": _tiny.naflex}
FAMILIES = tuple(MAKERS)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """A checkpoint of each family: towers of two blocks, 32 wide."""
    root = tmp_path_factory.mktemp("start")
    return {family: make(root / family) for family, make in MAKERS.items()}


@pytest.fixture(scope="module")
def opened(addresses):
    """The model of a family as it starts, as a function."""
    starts = {family: encoders.load(address) for family, address in addresses.items()}

    def fresh(family="clip"):
        encoder = copy.copy(starts[family])
        encoder.module = copy.deepcopy(encoder.module)
        return encoder

    return fresh


def chosen(encoder, **trained):
    parts.choose(encoder, Trained(**trained))
    return {name for name, value in encoder.module.named_parameters() if value.requires_grad}


def features(encoder):
    with torch.no_grad():
        return encoder.image_features(encoder.pixels(PICTURES)), encoder.text_features(encoder.tokens(TEXTS))


def step(encoder, times=3, rate=0.1):
    """Steps down the gradient of InfoNCE on three pairs."""
    optimiser = torch.optim.SGD([one for one in encoder.module.parameters() if one.requires_grad], rate)
    for _ in range(times):
        optimiser.zero_grad()
        images = normalize(encoder.image_features(encoder.pixels(PICTURES)), dim=-1)
        texts = normalize(encoder.text_features(encoder.tokens(TEXTS)), dim=-1)
        cross_entropy(10 * images @ texts.T, torch.arange(3)).backward()
        optimiser.step()


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


IMAGE = ("vision_model.", "visual_projection.")
TEXT = ("text_model.", "text_projection.")


@pytest.mark.parametrize("family", FAMILIES)
def test_all_is_both_towers_and_their_projections_but_not_the_scale_and_bias(opened, family):
    encoder = opened(family)
    everything = {name for name, _ in encoder.module.named_parameters()}
    assert chosen(encoder) == everything - {"logit_scale", "logit_bias"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("locked", "own"), [("image", IMAGE), ("text", TEXT)])
def test_a_locked_tower_keeps_every_bit_its_projection_too(opened, family, locked, own):
    encoder = opened(family)
    before = state(encoder.module)
    free = chosen(encoder, **{locked: "none"})
    assert not any(name.startswith(own) for name in free)
    step(encoder)
    assert moved(before, state(encoder.module)) == free


PROJECTIONS = {
    ("clip", "image"): {"visual_projection.weight"},
    ("clip", "text"): {"text_projection.weight"},
    ("siglip", "text"): {"text_model.head.weight", "text_model.head.bias"},
    ("siglip", "image"): {
        "vision_model.head.probe",
        "vision_model.head.attention.in_proj_weight",
        "vision_model.head.attention.in_proj_bias",
        "vision_model.head.attention.out_proj.weight",
        "vision_model.head.attention.out_proj.bias",
        "vision_model.head.layernorm.weight",
        "vision_model.head.layernorm.bias",
        "vision_model.head.mlp.fc1.weight",
        "vision_model.head.mlp.fc1.bias",
        "vision_model.head.mlp.fc2.weight",
        "vision_model.head.mlp.fc2.bias",
    },
}


@pytest.mark.parametrize(("family", "side"), PROJECTIONS)
def test_a_projection_is_clips_matrix_and_siglips_head(opened, family, side):
    other = {"image": "text", "text": "image"}[side]
    assert chosen(opened(family), **{side: "projection", other: "none"}) == PROJECTIONS[family, side]


@pytest.mark.parametrize(
    ("family", "side", "count", "layers"),
    [
        ("clip", "image", 1, {"encoder.layers.1", "post_layernorm", "visual_projection"}),
        ("clip", "image", 2, {"encoder.layers.0", "encoder.layers.1", "post_layernorm", "visual_projection"}),
        ("clip", "text", 1, {"encoder.layers.1", "final_layer_norm", "text_projection"}),
        ("siglip", "image", 1, {"encoder.layers.1", "post_layernorm", "head"}),
        ("siglip", "text", 1, {"encoder.layers.1", "final_layer_norm", "head"}),
        ("naflex", "image", 2, {"encoder.layers.0", "encoder.layers.1", "post_layernorm", "head"}),
    ],
)
def test_the_last_blocks_come_with_what_follows_them_and_without_embeddings(opened, family, side, count, layers):
    free = chosen(opened(family), **{side: count, {"image": "text", "text": "image"}[side]: "none"})
    own = {name.removeprefix("vision_model.").removeprefix("text_model.") for name in free}
    assert {".".join(name.split(".")[: 3 if name.startswith("encoder") else 1]) for name in own} == layers


def test_one_tower_whole_and_one_block_of_the_other(opened):
    free = chosen(opened("clip"), image=1, text="all")
    assert "vision_model.encoder.layers.0.mlp.fc1.weight" not in free
    assert "vision_model.encoder.layers.1.mlp.fc1.weight" in free
    assert "text_model.embeddings.token_embedding.weight" in free


@pytest.mark.parametrize("count", [0, -1, 3])
@pytest.mark.parametrize("side", ["image", "text"])
def test_more_blocks_than_there_are_or_none_is_refused(opened, side, count):
    with pytest.raises(UsageError, match=rf"{side} = {count}, but its tower has 2 blocks: give 1 to 2"):
        parts.choose(opened(), Trained(**{side: count}))


@pytest.mark.parametrize(
    ("trained", "message"),
    [
        (Trained(image="none", text="none"), "nothing is trained"),
        (Trained(image="none", text="none", lora=Lora()), "nothing is trained"),
        (Trained(lora=Lora(), geometric=True), "choose one of the two"),
        (Trained(layer_decay=0), "more than 0 and at most 1, not 0"),
        (Trained(layer_decay=1.5), "more than 0 and at most 1, not 1.5"),
        (Trained(image="projection", text="none", geometric=True), "finds no MLP"),
    ],
)
def test_settings_that_no_run_can_follow_are_refused(opened, trained, message):
    with pytest.raises(UsageError, match=message):
        parts.choose(opened(), trained)


def test_an_unknown_part_is_answered_with_the_nearest(opened):
    with pytest.raises(UnknownName, match="Did you mean 'projection'"):
        parts.choose(opened(), Trained(image="projections"))


def test_a_siglip_without_a_head_has_no_projection_of_pictures(opened):
    encoder = opened("siglip")
    del encoder.module.vision_model.head
    with pytest.raises(UsageError, match=r"has no 'vision_model\.head'"):
        parts.choose(encoder, Trained(image="projection"))


def test_levels_of_a_tower_of_two_blocks(opened):
    image, text = towers.of(opened("clip").module)
    assert [image.level(f"vision_model.{name}") for name in ("embeddings.x", "pre_layrnorm.bias")] == [0, 0]
    assert [image.level(f"vision_model.encoder.layers.{at}.mlp.fc1.weight") for at in (0, 1)] == [1, 2]
    assert [image.level(name) for name in ("vision_model.post_layernorm.bias", "visual_projection")] == [3, 3]
    assert [image.level(name) for name in ("logit_scale", "text_projection.weight", "text_model.x")] == [None] * 3
    assert text.level("text_model.embeddings.token_embedding.lora_embedding_A.default") == 0


def test_counts_are_of_trained_and_of_all_parameters(opened):
    encoder = opened("clip")
    chosen(encoder, image="projection", text="none")
    everything = sum(value.numel() for value in encoder.module.state_dict().values())
    assert parts.counts(encoder.module) == (24 * 32, everything)


@pytest.mark.parametrize("family", FAMILIES)
def test_geometric_weights_start_as_the_model_and_are_saved_as_it(opened, addresses, tmp_path, family):
    encoder, trained = opened(family), Trained(geometric=True)
    before = features(encoder)
    parts.choose(encoder, trained)
    torch.testing.assert_close(features(encoder), before, rtol=1e-5, atol=1e-5)
    saved = load_file(parts.save(encoder, trained, tmp_path / "saved") / "model.safetensors")
    start = load_file(Path(addresses[family]) / "model.safetensors")
    assert set(saved) == set(start)
    torch.testing.assert_close(saved, start, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_geometric_checkpoint_gives_the_trained_features_by_plain_weights(opened, tmp_path, family):
    encoder, trained = opened(family), Trained(geometric=True)
    before = features(encoder)
    parts.choose(encoder, trained)
    step(encoder)
    saved = encoders.load(str(parts.save(encoder, trained, tmp_path / "saved")))
    torch.testing.assert_close(features(saved), features(encoder), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(features(saved)[0], before[0], atol=1e-3)
    assert not torch.allclose(features(saved)[1], before[1], atol=1e-3)


def rows(encoder, name="vision_model.encoder.layers.0.mlp.fc1"):
    weight = encoder.module.get_submodule(name).weight.detach()
    return weight.norm(dim=1), normalize(weight, dim=1)


@pytest.mark.parametrize(("kept", "magnitudes_move"), [("original1", True), ("original0", False)])
def test_magnitude_and_direction_of_a_row_are_trained_apart(opened, kept, magnitudes_move):
    """With its v held a row keeps its direction and changes its length; with its g held, the other way round."""
    encoder = opened("clip")
    parts.choose(encoder, Trained(geometric=True))
    for name, value in encoder.module.named_parameters():
        if name.endswith(kept):
            value.requires_grad_(False)
    lengths, directions = rows(encoder)
    step(encoder)
    new_lengths, new_directions = rows(encoder)
    assert torch.allclose(new_directions, directions, atol=1e-6) is magnitudes_move
    assert torch.allclose(new_lengths, lengths, atol=1e-6) is not magnitudes_move


def test_only_the_mlps_of_what_is_trained_are_geometric(opened):
    encoder = opened("siglip")
    free = chosen(encoder, image="projection", text=1, geometric=True)
    layers = {name.partition(".parametrizations")[0] for name in free if "parametrizations" in name}
    head, block = "vision_model.head.mlp", "text_model.encoder.layers.1.mlp"
    assert layers == {f"{head}.fc1", f"{head}.fc2", f"{block}.fc1", f"{block}.fc2"}


def test_a_row_of_zeros_has_no_direction(opened):
    encoder = opened("clip")
    with torch.no_grad():
        encoder.module.text_model.encoder.layers[1].mlp.fc2.weight[3] = 0
    with pytest.raises(ModelError, match=r"'text_model.encoder.layers.1.mlp.fc2' has a row of zeros"):
        parts.choose(encoder, Trained(geometric=True))


HOWS = {
    "plain": Trained(),
    "geometric": Trained(geometric=True),
    "lora, merged": Trained(lora=Lora(rank=2)),
    "lora, apart": Trained(lora=Lora(rank=2, merge=False)),
    "dora, merged": Trained(lora=Lora(rank=2, dora=True)),
}


@pytest.mark.parametrize("how", HOWS)
def test_saving_changes_no_bit_of_the_training(opened, tmp_path, how):
    """Two runs of the same steps, one saved in their midst."""
    ends = []
    for saves in (False, True):
        encoder = opened("siglip")
        torch.manual_seed(0)
        parts.choose(encoder, HOWS[how])
        step(encoder)
        if saves:
            before, generator = state(encoder.module), torch.get_rng_state()
            parts.save(encoder, HOWS[how], tmp_path / "saved")
            assert moved(before, state(encoder.module)) == set()
            assert torch.equal(torch.get_rng_state(), generator)
        step(encoder)
        ends.append(state(encoder.module))
    assert ends[0].keys() == ends[1].keys()
    assert moved(*ends) == set()


@pytest.mark.parametrize("how", HOWS)
def test_a_copy_of_the_module_in_training_is_a_teacher_of_its_own(opened, how):
    encoder = opened("siglip")
    parts.choose(encoder, HOWS[how])
    teacher = copy.copy(encoder)
    teacher.module = copy.deepcopy(encoder.module)
    before = features(encoder)
    step(encoder)
    torch.testing.assert_close(features(teacher), before, rtol=0, atol=0)
    assert not torch.allclose(features(encoder)[0], before[0], atol=1e-4)


@pytest.mark.parametrize("how", HOWS)
def test_a_state_gives_all_that_is_trained_back(opened, tmp_path, how):
    def beginning():
        encoder = opened("clip")
        torch.manual_seed(0)
        parts.choose(encoder, HOWS[how])
        optimiser = torch.optim.AdamW([one for one in encoder.module.parameters() if one.requires_grad])
        return encoder, Store(tmp_path, encoder.module, torch.nn.Identity(), [optimiser])

    encoder, store = beginning()
    step(encoder)
    store.save(Position(step=3))
    again, its_store = beginning()
    assert moved(state(again.module), state(encoder.module))
    assert its_store.load().step == 3
    assert moved(state(again.module), state(encoder.module)) == set()
