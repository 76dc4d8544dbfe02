"""Where training starts: a checkpoint, or a new model made from nothing, exactly one of them."""

import math

import pytest
import torch

from mirante import encoders
from mirante.encoders import _tiny
from mirante.errors import ModelError, UsageError
from mirante.training.config import Model, NewModel
from mirante.training.start import open_model

SMALL = NewModel(
    image_size=24, patch_size=8, width=32, image_depth=1, text_depth=1, head_width=16, text_length=12, vocabulary=120
)
TEXTS = ["a red star at night", "dois peixes vermelhos", "uma maçã verde"]


def new(seed=0):
    torch.manual_seed(seed)
    return open_model(Model(new=SMALL), TEXTS)


@pytest.fixture(scope="module")
def made():
    return new()


def test_a_new_model_has_the_shape_asked_for(made):
    vision, text = made.module.config.vision_config, made.module.config.text_config
    assert (vision.image_size, vision.patch_size, vision.hidden_size, vision.num_hidden_layers) == (24, 8, 32, 1)
    assert (text.max_position_embeddings, text.hidden_size, text.num_hidden_layers) == (12, 32, 1)
    assert (vision.num_attention_heads, text.num_attention_heads, made.dim) == (2, 2, 32)
    assert len(made.tokenizer) <= 120


def test_a_new_model_starts_at_the_stated_scale_and_bias(made):
    assert made.module.logit_scale.item() == pytest.approx(math.log(10))
    assert made.module.logit_bias.item() == -4


def test_its_tokenizer_lowers_case_and_knows_both_languages(made):
    unknown = made.tokenizer.unk_token_id
    for text in ("A RED star", "maçã, pôr do sol, pássaro", "guarda-chuva d'água"):
        assert unknown not in made.tokens([text])["input_ids"]
    assert torch.equal(made.tokens(["A RED Star"])["input_ids"], made.tokens(["a red star"])["input_ids"])
    assert unknown in made.tokens(["漢"])["input_ids"]


def test_texts_are_cut_and_padded_to_its_length_and_end_with_its_end(made):
    ids = made.tokens(["star", "a red star at night " * 9])["input_ids"]
    assert ids.shape == (2, 12)
    assert ids[0, -1] == made.tokenizer.pad_token_id
    assert ids[1, -1] == made.tokenizer.eos_token_id


def test_the_seed_decides_the_weights():
    one, same, other = (new(seed).module.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_a_checkpoint_is_opened_where_one_is_named(tmp_path):
    address = _tiny.siglip(tmp_path / "model")
    assert open_model(Model(start=address), []).provenance.model == address


@pytest.mark.parametrize("model", [Model(), Model(start="x", new=SMALL)])
def test_exactly_one_start_is_needed(model):
    with pytest.raises(UsageError, match="exactly one"):
        open_model(model, TEXTS)


def test_the_revision_and_the_device_are_passed_on(tmp_path, monkeypatch, made):
    asked = []
    monkeypatch.setattr(encoders, "load", lambda model, settings: asked.append((model, settings)) or made)
    assert open_model(Model(start="owner/name", revision="v1"), [], "cpu") is made
    assert asked == [("owner/name", encoders.Settings(device="cpu", revision="v1"))]


def test_a_model_of_pictures_of_any_shape_cannot_be_trained(tmp_path):
    address = _tiny.naflex(tmp_path / "model")
    with pytest.raises(ModelError, match=r"pictures of any shape \(Siglip2.*google/siglip2-base-patch16-224"):
        open_model(Model(start=address), [])


def test_an_encoder_without_weights_cannot_be_trained():
    with pytest.raises(ModelError, match="'toy' has no weights to train"):
        open_model(Model(start="toy"), [])
