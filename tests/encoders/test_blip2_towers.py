"""BLIP-2 under prompts: without them it is the library's own; with them the layers see them, the Q-Former does not."""

import numpy as np
import pytest
import torch
from PIL import Image

from mirante.encoders import _tiny
from mirante.encoders._prompted import splice, unsteered
from mirante.encoders._prompted_vision import PromptedVision
from mirante.encoders._qformer import open_qformer
from mirante.errors import ModelError, UsageError

TEXTS = ["a red square on a blue background", "três peixes verdes", "um cão"]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return _tiny.blip2(tmp_path_factory.mktemp("blip-2") / "model")


@pytest.fixture(scope="module")
def encoder(address):
    opened = open_qformer(address)
    opened.module.requires_grad_(False)
    torch.manual_seed(3)
    torch.nn.init.normal_(opened.module.query_tokens)  # a new model starts them at zero
    return opened


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)) for _ in range(4)]


def drawn(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def library(encoder, images, text):
    """The whole forward pass of the library: its similarity (ITC) of each picture with a text, (B,)."""
    tokens = encoder.tokenizer([text], return_tensors="pt")
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    pixels = encoder.image_processor(images=images, return_tensors="pt")["pixel_values"]
    given = {"pixel_values": pixels, "input_ids": ids, "attention_mask": mask}
    return encoder.module(**given, use_image_text_matching_head=False).logits_per_image[:, 0]


@pytest.mark.parametrize("entry", [0, 1])
@pytest.mark.parametrize("prompts", [None, 0])
def test_with_nothing_told_the_hidden_states_are_the_librarys(encoder, images, entry, prompts):
    tower, pixels = PromptedVision(encoder, entry), encoder.pixels(images)
    steer = unsteered if prompts is None else splice(drawn(4, 1, prompts, tower.width), tower.first)
    found = tower.upper(tower.lower(pixels), steer)
    wanted = encoder.module.vision_model(pixel_values=pixels).last_hidden_state
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("entry", [0, 1])
@pytest.mark.parametrize("deep", [1, 2])
def test_prompts_stand_behind_the_class_token_and_leave_before_the_q_former(encoder, images, entry, deep):
    """The oracle cuts and joins the library's own layers by hand."""
    tower, pixels, vision = PromptedVision(encoder, entry), encoder.pixels(images), encoder.module.vision_model
    prompts = drawn(4, deep, 3, tower.width)
    found = tower.upper(tower.lower(pixels), splice(prompts, tower.first))
    tokens = vision.embeddings(pixels)
    for number, layer in enumerate(vision.encoder.layers):
        turn = number - entry
        if 0 <= turn < deep:
            patches = tokens[:, 1:] if turn == 0 else tokens[:, 4:]
            tokens = torch.cat([tokens[:, :1], prompts[:, turn], patches], dim=1)
        tokens = layer(tokens)
    wanted = vision.post_layernorm(torch.cat([tokens[:, :1], tokens[:, 4:]], dim=1))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    plain = vision(pixel_values=pixels).last_hidden_state
    assert found.shape == plain.shape == (4, 17, 32)
    assert (found - plain).abs().max() > 0.01


def test_a_layer_that_is_not_there_is_refused(encoder):
    with pytest.raises(UsageError, match="entry must be from 0 to 1 for this image tower of 2 layers, not 2"):
        PromptedVision(encoder, 2)


def test_rows_compared_are_the_librarys_similarity(encoder, images):
    found = encoder.compare(encoder.encode_texts(TEXTS), encoder.encode_images(images))
    wanted = torch.stack([library(encoder, images, text) for text in TEXTS])
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)
    assert found.std() > 1e-3


def test_the_product_of_rows_is_the_mean_over_the_queries(encoder, images):
    texts, pictures = encoder.encode_texts(TEXTS), encoder.encode_images(images)
    assert texts.shape == (3, encoder.dim) == (3, 4 * 16)
    np.testing.assert_allclose(np.linalg.norm(pictures, axis=1), 1, atol=1e-5)
    own = pictures.reshape(4, 4, 16) * 2  # rows of length 1, one for each of 4 queries
    means = np.einsum("td,bqd->tb", texts[:, :16] * 2, own) / 4
    np.testing.assert_allclose(texts @ pictures.T, means, atol=1e-5)


def test_a_text_has_the_same_row_alone_and_among_128(encoder):
    many = encoder.encode_texts([*TEXTS, *(f"{number} yellow boats and a tree" for number in range(125))])
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    np.testing.assert_allclose(many[:3], alone, atol=1e-5)


def test_only_a_blip_2_is_one(address, tmp_path):
    other = _tiny.blip(tmp_path / "blip")
    assert open_qformer(address).provenance.model == address
    with pytest.raises(ModelError, match="of type 'blip', not 'blip-2': give a BLIP-2"):
        open_qformer(other)
