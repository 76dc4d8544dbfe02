"""Towers in other engines than torch: the same rows in fp32, near ones in 8 bits, refused where they are not."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mirante import encoders, registry, runtimes
from mirante.encoders import Settings, _exported
from mirante.errors import ModelError, UnknownName, UsageError

PICTURES = [
    Image.new("RGB", (50, 30), "red"),
    Image.new("RGB", (30, 50), "blue"),
    Image.linear_gradient("L").convert("RGB"),
]
TEXTS = ["a red square", "Um cão AZUL, à noite!", "", "a long text " * 30, "x"]

FAMILIES = ["clip", pytest.param("siglip", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=FAMILIES)
def address(request, tmp_path_factory):
    """A tiny model, and an empty cache for what is exported of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield registry.load("mirante.encoders", request.param).tiny(tmp_path_factory.mktemp("tiny") / "model")


def in_torch(address):
    return encoders.load(address, Settings(batch=2))


def calibrated(address, accept=lambda exported: exported):
    encoder = in_torch(address)
    samples = {
        "images": [_exported.image_arrays(encoder, PICTURES)],
        "texts": [_exported.text_arrays(encoder, TEXTS)],
    }
    return _exported.quantise(encoder, samples, "onnx", accept)


@pytest.mark.parametrize("runtime", [one for one in runtimes.names() if one != "torch"])
def test_in_fp32_rows_and_space_are_those_of_torch(address, runtime):
    plain, other = in_torch(address), encoders.load(address, Settings(batch=2, runtime=runtime))

    assert other.encode_images(PICTURES) == pytest.approx(plain.encode_images(PICTURES), abs=1e-5)
    assert other.encode_texts(TEXTS) == pytest.approx(plain.encode_texts(TEXTS), abs=1e-5)
    assert other.encode_images([]).shape == other.encode_texts([]).shape == (0, plain.dim)
    assert other.provenance == plain.provenance
    assert {one.device.type for one in other.module.parameters()} == {"meta"}, "the weights are in memory twice"


def test_a_second_time_nothing_is_exported(address, monkeypatch):
    encoders.load(address, Settings(runtime="onnx"))

    monkeypatch.setattr(_exported, "_export", lambda *given: pytest.fail("exported again"))
    encoders.load(address, Settings(runtime="openvino"))


def test_8_bits_want_calibration_first(address):
    with pytest.raises(ModelError, match="mirante quantize"):
        encoders.load(address, Settings(runtime="onnx", precision="int8"))


def test_8_bits_are_near_and_of_a_space_of_their_own_and_open_by_address(address):
    calibrated(address)

    plain, small = in_torch(address), encoders.load(f"{address}#runtime=onnx&precision=int8")
    near = (small.encode_images(PICTURES) * plain.encode_images(PICTURES)).sum(axis=1)
    assert 0.98 < near.min() < 0.9999999
    assert small.provenance.model == f"{address}#precision=int8&runtime=onnx"
    assert not small.provenance.same_space(plain.provenance)
    again = encoders.load(small.provenance.model)
    assert np.array_equal(again.encode_texts(TEXTS), small.encode_texts(TEXTS))


def test_in_8_bits_a_row_does_not_depend_on_its_batch(address):
    calibrated(address)

    small = encoders.load(f"{address}#runtime=onnx&precision=int8", Settings(batch=8))
    alone = small.encode_images(PICTURES[2:])[0]
    assert small.encode_images([PICTURES[0], PICTURES[1], PICTURES[2]])[2] == pytest.approx(alone, abs=1e-5)


def test_8_bits_that_are_not_accepted_are_not_kept(address):
    for folder in Path(os.environ["XDG_CACHE_HOME"]).rglob("int8"):
        shutil.rmtree(folder)

    def refuse(exported):
        raise ModelError("too much is lost")

    with pytest.raises(ModelError, match="too much"):
        calibrated(address, refuse)
    with pytest.raises(ModelError, match="mirante quantize"):
        encoders.load(address, Settings(runtime="onnx", precision="int8"))


def test_an_export_that_gives_other_rows_is_refused(address, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    opened = runtimes.open_network

    def wrong(*given, **named):
        network = opened(*given, **named)
        return lambda inputs: network(inputs) + 0.05

    monkeypatch.setattr(runtimes, "open_network", wrong)
    with pytest.raises(ModelError, match="other rows than torch"):
        encoders.load(address, Settings(runtime="onnx"))
    assert not list(tmp_path.rglob("*.onnx"))


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "images.onnx").write_bytes(b"no network")
    for runtime in ("onnx", "openvino"):
        with pytest.raises(ModelError, match="delete it"):
            runtimes.open_network(runtime, tmp_path / "images.onnx")


def test_models_without_two_plain_towers_stay_in_torch(tmp_path):
    for family in ("blip", "siglip2", "toy"):
        address = registry.load("mirante.encoders", family).tiny(tmp_path / family)
        with pytest.raises(UsageError, match="leave --runtime out"):
            encoders.load(address, Settings(runtime="onnx"))


def test_unknown_names_are_told():
    with pytest.raises(UnknownName, match=r"(?s)tensorrt.*onnx.*openvino"):
        encoders.load("toy", Settings(runtime="tensorrt"))
    with pytest.raises(UnknownName, match=r"(?s)int8.*fp32"):
        encoders.load("toy", Settings(precision="int8"))
    with pytest.raises(UnknownName, match=r"(?s)bf16.*int8"):
        encoders.load("toy", Settings(runtime="onnx", precision="bf16"))
    with pytest.raises(UnknownName, match=r"(?s)fast.*reduced"):
        encoders.load("toy#decode=fast")
