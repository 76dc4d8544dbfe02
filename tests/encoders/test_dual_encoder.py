"""The torch level that training uses, and the memory that encoding uses."""

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders
from mirante.encoders import Settings, siglip, siglip2
from mirante.errors import ModelError

TEXTS = ["a red square", "um cão azul", "two stars"]
PICTURES = [Image.new("RGB", (40, 20), colour) for colour in ("red", "green", "blue")]


@pytest.fixture
def encoder(tmp_path):
    return encoders.load(siglip.tiny(tmp_path / "model"))


def test_features_have_gradients_down_to_both_towers(encoder):
    pixels, tokens = encoder.pixels(PICTURES), encoder.tokens(TEXTS)
    assert (pixels.shape, pixels.dtype) == ((3, 3, 32, 32), torch.float32)
    assert tokens["input_ids"].shape == (3, 16)
    (encoder.image_features(pixels) * encoder.text_features(tokens)).sum().backward()
    for tower in (encoder.module.vision_model, encoder.module.text_model):
        first = next(tower.parameters())
        assert first.grad is not None
        assert first.grad.abs().sum() > 0


def test_features_normalised_are_the_rows(encoder):
    with torch.inference_mode():
        images = encoder.image_features(encoder.pixels(PICTURES)).numpy()
        texts = encoder.text_features(encoder.tokens(TEXTS)).numpy()
    for features, rows in ((images, encoder.encode_images(PICTURES)), (texts, encoder.encode_texts(TEXTS))):
        assert features / np.linalg.norm(features, axis=1, keepdims=True) == pytest.approx(rows, abs=1e-6)
        assert not np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-2)


def test_naflex_pixels_are_patches_with_their_grid(tmp_path):
    encoder = encoders.load(siglip2.tiny(tmp_path))
    pixels = encoder.pixels([Image.new("RGB", (64, 16)), Image.new("RGB", (32, 32))])
    assert pixels["pixel_values"].shape == (2, 16, 192)
    assert pixels["spatial_shapes"].tolist() == [[2, 8], [4, 4]]
    assert pixels["pixel_attention_mask"].sum(dim=1).tolist() == [16, 16]


def test_encoding_in_the_middle_of_training_uses_no_dropout_and_leaves_the_mode(encoder):
    calm = encoder.encode_texts(TEXTS)
    encoder.module.text_model.config.attention_dropout = 0.9
    for layer in encoder.module.text_model.encoder.layers:
        layer.self_attn.dropout = 0.9
    encoder.module.train()
    assert encoder.encode_texts(TEXTS) == pytest.approx(calm, abs=1e-6)
    assert encoder.module.training


def test_rows_do_not_depend_on_the_batch(encoder, tmp_path):
    one = encoders.load(str(tmp_path / "model"), Settings(batch=1))
    assert one.encode_texts(TEXTS) == pytest.approx(encoder.encode_texts(TEXTS), abs=1e-6)
    assert one.encode_images(PICTURES) == pytest.approx(encoder.encode_images(PICTURES), abs=1e-6)


def short_of_memory(encoder, monkeypatch, most):
    """Let the text tower run out of memory above `most` texts; returns the sizes that were tried."""
    tried, whole = [], encoder.text_features

    def features(tokens):
        tried.append(len(tokens["input_ids"]))
        if tried[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(tokens)

    monkeypatch.setattr(encoder, "text_features", features)
    return tried


def test_out_of_memory_halves_the_batch_and_loses_nothing(encoder, monkeypatch):
    texts = [f"{number} red squares" for number in range(40)]
    expected = encoder.encode_texts(texts)
    encoder.batch = 32
    tried = short_of_memory(encoder, monkeypatch, most=8)
    assert encoder.encode_texts(texts) == pytest.approx(expected, abs=1e-6)
    assert tried == [32, 16, 8, 8, 8, 8, 8]


def test_one_item_that_does_not_fit_is_an_error(encoder, monkeypatch):
    short_of_memory(encoder, monkeypatch, most=0)
    with pytest.raises(ModelError, match=r"'cpu', even one item.*smaller model"):
        encoder.encode_texts(TEXTS)
