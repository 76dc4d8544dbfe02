"""Queries with exact vectors: three words and three colours on the axes of one space."""

import numpy as np
import pytest
from PIL import Image

from mirante.errors import DataError, ModelMismatch, UnknownName, UsageError
from mirante.search import Entry, Gallery, compose, parse_terms, search
from mirante.types import Embeddings, Provenance, Query, Term

RED, GREEN, BLUE = (Image.new("RGB", (2, 2), colour) for colour in ("#f00", "#0f0", "#00f"))
AXES = {"red": [1, 0, 0], "green": [0, 1, 0], "blue": [0, 0, 1], "not red": [-1, 0, 0], "red and blue": [0.6, 0, 0.8]}


class Colours:
    """Texts are looked up, a picture is the colour of its first pixel."""

    provenance, dim = Provenance("colours", "r1", "p1"), 3

    def encode_texts(self, texts):
        return np.array([AXES[text] for text in texts], np.float32)

    def encode_images(self, images):
        return np.array([image.getpixel((0, 0)) for image in images], np.float32) / 255


ENCODER = Colours()


def near(*row):
    return pytest.approx(np.array(row, np.float32), abs=1e-6)


@pytest.fixture
def pictures(tmp_path):
    rows = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, 0.8]], np.float32)
    ids = ("red.png", "green.png", "blue.png", "violet.png")
    entries = [Entry(one, (), {"length": len(one)}, one) for one in ids]
    return Gallery.create(tmp_path / "pictures", "exact", Embeddings(ids, rows, ENCODER.provenance), entries)


@pytest.fixture
def texts(tmp_path):
    rows = ENCODER.encode_texts(list(AXES))
    ids = tuple(f"t{at}" for at in range(len(AXES)))
    entries = [Entry(one, (text,)) for one, text in zip(ids, AXES, strict=True)]
    return Gallery.create(
        tmp_path / "texts", "exact", Embeddings(ids, rows, ENCODER.provenance), entries, holds="texts"
    )


def ids(gallery, k=2, where=None, **parts):
    return [hit.id for hit in search(gallery, ENCODER, Query(parse_terms(**parts), where or {}), k)]


def test_text_to_image(pictures):
    hits = search(pictures, ENCODER, Query(parse_terms("blue")), 2)
    assert [(hit.id, round(hit.score, 6), hit.path) for hit in hits] == [
        ("blue.png", 1.0, "blue.png"),
        ("violet.png", 0.8, "violet.png"),
    ]


def test_image_to_text(texts):
    hits = search(texts, ENCODER, Query(parse_terms(images=[RED])), 2)
    assert [hit.captions for hit in hits] == [("red",), ("red and blue",)]


def test_image_to_image_finds_the_picture_itself_too(pictures):
    assert ids(pictures, images=[BLUE]) == ["blue.png", "violet.png"]


def test_plus(pictures):
    assert ids(pictures, k=1, text="red", plus=["blue"]) == ["violet.png"]
    assert ids(pictures, k=1, images=[RED], plus=["blue"]) == ["violet.png"]


def test_minus(pictures):
    assert ids(pictures, k=1, text="red and blue") == ["violet.png"]
    assert ids(pictures, k=1, text="red and blue", minus=["red^0.5"]) == ["blue.png"]
    assert ids(pictures, k=4, text="green", minus=["red"])[-2:] == ["violet.png", "red.png"]


def test_where(pictures):
    assert ids(pictures, text="red", where={"length": "8"}) == ["blue.png"]
    with pytest.raises(UnknownName, match=r"metadata field 'lenght'.*'length'"):
        ids(pictures, text="red", where={"lenght": "8"})


def test_a_query_is_a_weighted_sum_brought_back_to_length_1():
    query = Query((Term(3.0, "red"), Term(4.0, image=GREEN)))
    assert compose(query, ENCODER) == near(0.6, 0.8, 0)
    assert compose(Query((Term(-2.0, "red"),)), ENCODER) == near(-1, 0, 0)
    assert compose(query, ENCODER).dtype == np.float32


def test_texts_and_images_keep_their_own_weights_in_any_order():
    terms = (Term(2.0, image=BLUE), Term(1.0, "red"), Term(-2.0, image=GREEN), Term(0.0, "green"))
    assert compose(Query(terms), ENCODER) == near(1 / 3, -2 / 3, 2 / 3)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ((), "The query is empty"),
        ((Term(1.0, "red"), Term(1.0, "not red")), "The 2 terms of the query cancel out"),
        ((Term(1.0, "red"), Term(-1.0, image=RED)), "cancel out"),
        ((Term(0.0, "red"),), "cancel out"),
        ((Term(float("nan"), "red"),), "finite number, not nan"),
        ((Term(1.0),), "one text or one image"),
        ((Term(1.0, "red", RED),), "one text or one image"),
    ],
)
def test_a_query_without_a_direction_is_refused(terms, message):
    with pytest.raises(UsageError, match=message):
        compose(Query(terms), ENCODER)


def test_terms_from_what_a_person_gives():
    assert parse_terms("a dog", [RED], plus=["snow^2", "a^b"], minus=["at night^0.5"]) == (
        Term(1.0, "a dog"),
        Term(2.0, "snow"),
        Term(1.0, "a^b"),
        Term(1.0, image=RED),
        Term(-0.5, "at night"),
    )


@pytest.mark.parametrize("parts", [{}, {"text": " "}, {"text": "red", "plus": [""]}, {"minus": ["\n"]}])
def test_nothing_to_look_for_is_refused(parts):
    with pytest.raises(UsageError, match=r"query is empty|query is blank"):
        parse_terms(**parts)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Provenance("shapes", "r9", "p1"), "made by 'colours', the query by 'shapes'.*--model colours"),
        (Provenance("colours", "r2", "p1"), r"colours \(revision r1.*colours \(revision r2"),
        (Provenance("colours", "r1", "p2"), r"preprocessing p1.*preprocessing p2"),
    ],
)
def test_a_query_from_another_model_is_refused_before_it_is_encoded(pictures, other, message):
    class Other(Colours):
        provenance = other

        def encode_texts(self, texts):
            raise DataError("encoded")

    with pytest.raises(ModelMismatch, match=message):
        search(pictures, Other(), Query(parse_terms("red")), 1)
