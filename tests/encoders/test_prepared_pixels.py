"""Pictures are made ready on the processor, one by one, and reach the device together."""

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders, registry

PICTURES = [Image.new("RGB", (50, 30), "red"), Image.new("RGB", (30, 50), "blue"), Image.new("RGB", (9, 9), "green")]


@pytest.fixture(scope="module", params=["clip", "siglip2"])
def encoder(request, tmp_path_factory):
    return encoders.load(registry.load("mirante.encoders", request.param).tiny(tmp_path_factory.mktemp("tiny") / "m"))


def devices(pixels):
    values = pixels.values() if isinstance(pixels, dict) else [pixels]
    return {one.device.type for one in values}


def test_they_wait_on_the_processor_and_go_to_the_device_as_a_batch(encoder, monkeypatch):
    sent = []
    monkeypatch.setattr(encoder, "device", torch.device("meta"))
    monkeypatch.setattr(encoder, "image_features", lambda pixels: sent.append(pixels) or torch.ones(3, encoder.dim))
    prepared = [encoder.prepare(one) for one in PICTURES]
    encoder.encode_prepared(prepared)

    assert {"cpu"} == set.union(*map(devices, prepared))
    assert devices(encoder.pixels(PICTURES)) == {"meta"}
    assert [devices(one) for one in sent] == [{"meta"}]


def test_rows_are_those_of_the_pictures(encoder):
    prepared = [encoder.prepare(one) for one in PICTURES]

    assert np.allclose(encoder.encode_prepared(prepared), encoder.encode_images(PICTURES), atol=1e-6)


def test_attention_is_fused(encoder):
    assert encoder.module.vision_model.config._attn_implementation == "sdpa"
