"""`quantise`: what 8 bits change, measured on other pictures than those that calibrate."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mirante import encoders, quantisation, registry
from mirante.cli import main
from mirante.datasets import open_dataset, read_pairs
from mirante.encoders import Settings
from mirante.errors import DataError, ModelError


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A tiny CLIP, and an empty cache for what is exported of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield registry.load("mirante.encoders", "clip").tiny(tmp_path_factory.mktemp("tiny") / "model")


def forget_8_bits():
    for folder in Path(os.environ["XDG_CACHE_HOME"]).rglob("int8"):
        shutil.rmtree(folder)


def scenes(count):
    return read_pairs(open_dataset(f"scenes:validation-{count}"), language="en")


def test_every_figure_is_that_of_the_two_models_on_the_pictures_that_did_not_calibrate(address):
    pairs = scenes(30)
    found = quantisation.quantise(pairs, address, runtime="onnx", calibrated=10, tolerance=100)

    assert (found.calibrated, found.measured) == (10, 20)
    plain, small = encoders.load(address), encoders.load(address, Settings(runtime="onnx", precision="int8"))
    pictures = [one.load() for one in pairs.images[10:]]
    near = (plain.encode_images(pictures) * small.encode_images(pictures)).sum(axis=1)
    assert found.cosine["images"]["least"] == pytest.approx(near.min(), abs=1e-5)
    assert found.cosine["images"]["mean"] == pytest.approx(near.mean(), abs=1e-5)
    change = found.changes["text_to_image"]
    assert change.protocol.gallery == 20
    assert change.difference == pytest.approx(change.after.value - change.before.value)
    assert change.low <= change.difference <= change.high
    for encoder, value in ((plain, change.before.value), (small, change.after.value)):
        assert value == pytest.approx(first(pairs, encoder))
    assert found.loss == pytest.approx(-100 * change.difference)


def first(pairs, encoder):
    """R@1 of the pictures after the tenth, from text to image, written out."""
    pictures = pairs.images[10:]
    told = [one for one in pairs.captions if set(pairs.relevance[one.id]) & {one.id for one in pictures}]
    rows = encoder.encode_images([one.load() for one in pictures])
    hits = []
    for caption in told:
        same = [one.id for one in told if one.text == caption.text]
        right = {image for one in same for image in pairs.relevance[one]}
        scores = rows @ encoder.encode_texts([caption.text])[0]
        hits.append(pictures[int(np.argmax(scores))].id in right)
    return np.mean(hits)


def test_a_loss_above_the_tolerance_keeps_nothing(address):
    forget_8_bits()
    with pytest.raises(ModelError, match=r"loses .* points .* more than -100: it is not kept"):
        quantisation.quantise(scenes(12), address, runtime="onnx", calibrated=6, tolerance=-100)
    with pytest.raises(ModelError, match="mirante quantize"):
        encoders.load(address, Settings(runtime="onnx", precision="int8"))


def test_too_few_pictures_are_refused_before_any_work(address):
    with pytest.raises(DataError, match="12 pictures, 11 are to calibrate and at least 2"):
        quantisation.quantise(scenes(12), address, runtime="onnx", calibrated=11, tolerance=1)


def test_the_verb_prints_the_document(address, capsys):
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "quantize",
                address,
                "scenes:validation-20",
                "--lang",
                "en",
                "--calibrate",
                "8",
                "--tolerance",
                "100",
                "--json",
            ]
        )
    assert ended.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == 1
    assert (said["model"], said["runtime"], said["calibrated"], said["measured"]) == (address, "onnx", 8, 12)
    assert set(said["changes"]) == {"text_to_image", "image_to_text"}
