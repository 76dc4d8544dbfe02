"""The toy encoder's vectors are exact."""

import numpy as np
import pytest
from PIL import Image

from mirante import encoders
from mirante.encoders.toy import COLOURS

AXIS = dict(zip([*COLOURS, "other"], np.eye(12, dtype=np.float32), strict=True))
toy = encoders.load("toy")


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("a red square", ["red"]),
        ("um quadrado vermelho", ["red"]),
        ("DUAS ESTRELAS AMARELAS", ["yellow"]),
        ("dois peixes azuis e um cão preto", ["blue", "black"]),
        ("red, red and green", ["red", "green"]),
        ("a credit card", ["other"]),
        ("", ["other"]),
    ],
)
def test_a_text_is_the_sum_of_the_colours_that_it_names(text, colours):
    expected = sum(AXIS[colour] for colour in colours) / np.sqrt(len(colours))
    assert np.allclose(toy.encode_texts([text])[0], expected, atol=1e-7)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_picture_is_the_colour_that_fills_it(colour):
    assert np.array_equal(toy.encode_images([Image.new("RGB", (9, 5), COLOURS[colour])])[0], AXIS[colour])


def test_a_picture_of_no_named_colour_is_the_nearest_one():
    assert np.array_equal(toy.encode_images([Image.new("RGB", (4, 4), (200, 20, 30))])[0], AXIS["red"])


@pytest.mark.parametrize(("english", "portuguese"), [("pink", "rosa"), ("grey", "cinza"), ("white", "brancas")])
def test_both_languages_meet(english, portuguese):
    one, other = toy.encode_texts([english, portuguese])
    assert np.array_equal(one, other)
    assert np.array_equal(one, AXIS[english])
