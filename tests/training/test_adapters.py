"""LoRA and DoRA: which layers get an adapter, what is trained of it, and what it adds up to."""

import copy

import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy, normalize

from mirante import encoders
from mirante.encoders import _tiny
from mirante.errors import MissingLibrary, UnknownName, UsageError
from mirante.training import parts
from mirante.training.config import Lora, Trained

PICTURES = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
TEXTS = ["a red square", "um cão azul", "three green fish"]
MAKERS = {"clip": _tiny.clip, "siglip": _tiny.siglip, "naflex": _tiny.naflex}
FAMILIES = tuple(MAKERS)
ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj")
BLOCK = (*ATTENTION, "mlp.fc1", "mlp.fc2")


@pytest.fixture(scope="module")
def starts(tmp_path_factory):
    """A model of each family: towers of two blocks, 32 wide, MLPs 64 wide."""
    root = tmp_path_factory.mktemp("start")
    return {family: encoders.load(make(root / family)) for family, make in MAKERS.items()}


@pytest.fixture(scope="module")
def adapted(starts):
    """A model with adapters, as a function of the family, the settings of LoRA and what is trained."""

    def make(family="clip", *, seed=0, image="all", text="all", **lora):
        encoder = copy.copy(starts[family])
        encoder.module = copy.deepcopy(encoder.module)
        torch.manual_seed(seed)
        parts.choose(encoder, Trained(image=image, text=text, lora=Lora(**lora)))
        return encoder

    return make


def layers(encoder):
    """Names of the layers with an adapter."""
    names = {name for name, value in encoder.module.named_parameters() if value.requires_grad}
    assert all(".lora_" in name for name in names)
    return {name.partition(".lora_")[0] for name in names}


def blocks(*roots):
    return {f"{root}.{layer}" for root in roots for layer in BLOCK}


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


IMAGE = tuple(f"vision_model.encoder.layers.{at}" for at in (0, 1))
TEXT = tuple(f"text_model.encoder.layers.{at}" for at in (0, 1))
POOLING = {"vision_model.head.mlp.fc1", "vision_model.head.mlp.fc2"}
EVERY = {
    "clip": blocks(*IMAGE, *TEXT) | {"visual_projection", "text_projection"},
    "siglip": blocks(*IMAGE, *TEXT) | POOLING | {"text_model.head"},
    "naflex": blocks(*IMAGE, *TEXT) | POOLING | {"text_model.head", "vision_model.embeddings.patch_embedding"},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_linear_layer_gets_one_but_the_attention_of_the_pooling_head(adapted, family):
    assert layers(adapted(family)) == EVERY[family]


@pytest.mark.parametrize(
    ("family", "image", "text", "expected"),
    [
        ("clip", "none", "all", blocks(*TEXT) | {"text_projection"}),
        ("clip", 1, "none", blocks(IMAGE[1]) | {"visual_projection"}),
        ("clip", "projection", 1, blocks(TEXT[1]) | {"visual_projection", "text_projection"}),
        ("siglip", "projection", "projection", POOLING | {"text_model.head"}),
        ("siglip", 1, 2, blocks(IMAGE[1], *TEXT) | POOLING | {"text_model.head"}),
    ],
)
def test_adapters_go_only_where_something_is_trained(adapted, family, image, text, expected):
    assert layers(adapted(family, image=image, text=text)) == expected


def test_layers_are_named_by_the_ending_of_their_name(adapted):
    named = adapted(layers=("token_embedding", "layers.1.mlp.fc1", "vision_model.encoder.layers.0.self_attn.q_proj"))
    assert layers(named) == {
        "text_model.embeddings.token_embedding",
        "text_model.encoder.layers.1.mlp.fc1",
        "vision_model.encoder.layers.1.mlp.fc1",
        "vision_model.encoder.layers.0.self_attn.q_proj",
    }


def test_an_unknown_layer_is_answered_with_the_nearest(adapted):
    with pytest.raises(UnknownName, match=r"Unknown layer of what is trained 'q_porj'\. Did you mean 'q_proj'"):
        adapted(layers=("fc1", "q_porj"))


@pytest.mark.parametrize("name", ["proj", "visual_projection", "position_embedding", "patch_embedding", "attention"])
def test_a_layer_that_cannot_have_an_adapter_or_is_locked_is_unknown(adapted, name):
    with pytest.raises(UnknownName, match="Valid: fc1, fc2, k_proj, out_proj, q_proj, text_projection, token_emb"):
        adapted(image="none", layers=(name,))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 0}, "lora.rank must be at least 1, not 0"),
        ({"alpha": 0.0}, "lora.alpha must be more than 0, not 0"),
        ({"dropout": 1.0}, "lora.dropout must be at least 0 and less than 1, not 1"),
    ],
)
def test_settings_out_of_range_are_refused(adapted, settings, message):
    with pytest.raises(UsageError, match=message):
        adapted(**settings)


def test_without_peft_the_message_says_how_to_get_it(adapted, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(MissingLibrary, match=r"LoRA needs 'peft'.*pip install 'mirante\[train\]'"):
        adapted()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dora", [False, True])
def test_nothing_changes_before_the_first_step(adapted, starts, family, dora):
    encoder = adapted(family, dora=dora)
    torch.testing.assert_close(features(encoder), features(starts[family]), rtol=1e-5, atol=1e-6)


def test_the_seed_decides_where_adapters_start(adapted):
    one, same, other = (adapted(seed=seed).module.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_a_rank_4_adapter_of_a_24_by_32_matrix_has_4_times_56_numbers(adapted):
    """And DoRA one magnitude a row more."""
    settings = {"image": "projection", "text": "none", "rank": 4}
    assert parts.counts(adapted(**settings).module)[0] == 4 * (24 + 32)
    assert parts.counts(adapted(**settings, dora=True).module)[0] == 4 * (24 + 32) + 24


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dora", [False, True])
def test_training_moves_every_adapter_and_no_bit_of_the_model(adapted, starts, family, dora):
    encoder = adapted(family, dora=dora)
    before = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    step(encoder)
    after = encoder.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if "lora_" not in name)
    assert {name for name in before if not torch.equal(before[name], after[name])} >= {
        name for name in before if "lora_B" in name or "magnitude" in name
    }
    plain = {name.replace(".base_layer", ""): value for name, value in after.items()}
    start = starts[family].module.state_dict()
    assert all(torch.equal(plain[name], start[name]) for name in start)


def test_dropout_falls_on_adapters_in_training_only(adapted):
    encoder = adapted("clip", dropout=0.5)
    step(encoder)
    assert torch.equal(features(encoder)[0], features(encoder)[0])
    encoder.module.train()
    assert not torch.equal(features(encoder)[0], features(encoder)[0])


def parameters_of(encoder, layer):
    """The stored weight, A and B of a layer, and its DoRA magnitude where it has one."""
    found = {}
    for name, value in encoder.module.get_submodule(layer).named_parameters():
        for part in ("base_layer.weight", "lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "magnitude"):
            if part in name:
                found[part.replace("embedding_", "")] = value.detach()
    return [found[name] for name in ("base_layer.weight", "lora_A", "lora_B")], found.get("magnitude")


LAYER = "text_model.encoder.layers.1.mlp.fc2"


def merged(encoder, tmp_path, **lora):
    folder = parts.save(encoder, Trained(lora=Lora(**lora)), tmp_path / "merged")
    assert not list(folder.glob("adapter*"))
    return encoders.load(str(folder))


def test_a_merged_weight_is_its_start_and_alpha_over_rank_times_b_a(adapted, tmp_path):
    encoder = adapted(rank=4, alpha=12.0)
    step(encoder)
    (weight, a, b), _ = parameters_of(encoder, LAYER)
    made = merged(encoder, tmp_path).module.get_submodule(LAYER).weight
    torch.testing.assert_close(made.detach(), weight + 3 * b @ a, rtol=1e-5, atol=1e-6)
    assert (3 * b @ a).norm() > 1e-3


def test_a_merged_dora_row_has_the_learned_length_and_loras_direction(adapted, tmp_path):
    encoder = adapted(rank=4, alpha=12.0, dora=True)
    step(encoder)
    (weight, a, b), lengths = parameters_of(encoder, LAYER)
    made = merged(encoder, tmp_path).module.get_submodule(LAYER).weight
    expected = lengths[:, None] * normalize(weight + 3 * b @ a, dim=1)
    torch.testing.assert_close(made.detach(), expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(lengths, weight.norm(dim=1), atol=1e-5)


def test_a_merged_embedding_adds_its_two_matrices_too(adapted, tmp_path):
    encoder = adapted(rank=4, alpha=8.0, layers=("token_embedding",), image="none")
    step(encoder)
    layer = "text_model.embeddings.token_embedding"
    (weight, a, b), _ = parameters_of(encoder, layer)
    made = merged(encoder, tmp_path).module.get_submodule(layer).weight
    torch.testing.assert_close(made.detach(), weight + 2 * (b @ a).T, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("settings", [{}, {"dora": True}, {"dropout": 0.5}, {"layers": ("token_embedding", "fc1")}])
def test_the_merged_checkpoint_gives_the_trained_features(adapted, starts, tmp_path, family, settings):
    encoder = adapted(family, rank=4, **settings)
    encoder.module.train()
    step(encoder)
    encoder.module.eval()
    made = merged(encoder, tmp_path, rank=4, **settings)
    torch.testing.assert_close(features(made), features(encoder), rtol=1e-4, atol=1e-5)
    start = features(starts[family])
    assert not torch.allclose(features(made)[1], start[1], atol=1e-3)
