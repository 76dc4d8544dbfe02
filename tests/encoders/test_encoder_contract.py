"""What every encoder promises, asked of each component that the registry lists."""

import numpy as np
import pytest
from PIL import Image
from tiny_checkpoints import tiny

from mirante import encoders, registry
from mirante.types import Preparing

PICTURES = [
    Image.new("RGB", (50, 30), "red"),
    Image.new("RGB", (30, 50), "blue"),
    Image.linear_gradient("L").convert("RGB"),
]
TEXTS = ["a red square", "Um cão AZUL, à noite!", "", "a long text " * 30]


@pytest.fixture(scope="module", params=registry.names("mirante.encoders"))
def family(request):
    return request.param


@pytest.fixture(scope="module")
def address(family, tmp_path_factory):
    return tiny(family, tmp_path_factory.mktemp(family) / "model")


@pytest.fixture(scope="module")
def encoder(address):
    return encoders.load(address)


def test_rows_are_float32_of_length_one_and_of_the_promised_width(encoder):
    for rows, items in ((encoder.encode_images(PICTURES), PICTURES), (encoder.encode_texts(TEXTS), TEXTS)):
        assert rows.dtype == np.float32
        assert rows.shape == (len(items), encoder.dim)
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(items)), abs=1e-5)


def test_nothing_gives_no_rows_of_the_promised_width(encoder):
    assert encoder.encode_images([]).shape == (0, encoder.dim)
    assert encoder.encode_texts([]).shape == (0, encoder.dim)
    assert encoder.encode_texts([]).dtype == np.float32


def test_a_text_embeds_the_same_alone_and_among_128_longer_ones(encoder):
    alone = encoder.encode_texts(["a red square"])[0]
    crowd = encoder.encode_texts(
        ["um quadrado vermelho sobre um fundo azul"] * 64 + ["a red square"] + ["x " * 99] * 63
    )
    assert crowd[64] == pytest.approx(alone, abs=1e-5)


def test_a_picture_embeds_the_same_alone_and_among_others_of_other_shapes(encoder):
    alone = encoder.encode_images([PICTURES[2]])[0]
    crowd = encoder.encode_images([*[PICTURES[0]] * 5, PICTURES[2], *[PICTURES[1]] * 40])
    assert crowd[5] == pytest.approx(alone, abs=1e-5)


def test_pictures_made_ready_one_by_one_get_the_rows_of_pictures_encoded_together(encoder):
    if not isinstance(encoder, Preparing):
        pytest.skip("offers no preparation")
    ready = [encoder.prepare(one) for one in PICTURES]
    assert encoder.encode_prepared(ready) == pytest.approx(encoder.encode_images(PICTURES), abs=1e-5)


def test_encoding_leaves_the_pictures_as_they_were(encoder):
    picture = Image.new("RGB", (40, 20), "red")
    encoder.encode_images([picture])
    assert (picture.size, picture.getpixel((0, 0))) == ((40, 20), (255, 0, 0))


def test_what_it_says_about_itself_is_the_same_when_opened_again(encoder, address):
    again = encoders.load(address)
    assert again.provenance == encoder.provenance
    assert again.provenance.model == address
    assert again.provenance.data == ""
    assert np.array_equal(again.encode_texts(TEXTS), encoder.encode_texts(TEXTS))
    assert np.array_equal(again.encode_images(PICTURES), encoder.encode_images(PICTURES))


def test_a_saved_encoder_gives_the_same_rows_from_the_same_preprocessing(encoder, tmp_path):
    if not hasattr(encoder, "save"):
        assert encoder.provenance.model in registry.names("mirante.encoders")
        return
    saved = encoders.load(str(encoder.save(tmp_path / "saved")))
    assert np.array_equal(saved.encode_texts(TEXTS), encoder.encode_texts(TEXTS))
    assert np.array_equal(saved.encode_images(PICTURES), encoder.encode_images(PICTURES))
    assert saved.provenance.preprocessing == encoder.provenance.preprocessing
    twice = encoders.load(str(saved.save(tmp_path / "twice")))
    assert twice.provenance.same_space(saved.provenance)
