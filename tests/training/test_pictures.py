"""Pixels prepared once for training: the same as the model's own preprocessing, and kept."""

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders
from mirante.encoders import _tiny
from mirante.errors import DataError, UnreadableImage
from mirante.training import pictures as prepared
from mirante.types import Picture

SIDES = ((40, 64), (32, 32), (90, 31), (8, 8), (33, 100))


def image(number):
    height, width = SIDES[number]
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8))


def broken():
    raise UnreadableImage("truncated", "image file is truncated")


@pytest.fixture(scope="module", params=["siglip", "clip"])
def encoder(request, tmp_path_factory):
    return encoders.load(getattr(_tiny, request.param)(tmp_path_factory.mktemp(request.param) / "model"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache folder, and how often pictures were loaded."""
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def counted(loads, first="content"):
    """Pictures that note each load; being local functions, they cannot be sent to another process."""

    def load(number):
        loads.append(number)
        return image(number)

    return [Picture(f"p{n}", f"{first} {n}", load=lambda n=n: load(n)) for n in range(len(SIDES))]


def test_a_batch_is_what_the_models_own_preprocessing_gives(encoder):
    made = prepared.prepare(counted([]), encoder)
    given = encoder.pixels([image(n) for n in range(len(SIDES))])
    batch = made.batch(np.arange(len(SIDES)))
    assert len(made) == 5
    assert (batch.shape, batch.dtype) == (given.shape, torch.float32)
    torch.testing.assert_close(batch, given, rtol=0, atol=1e-6)


def test_rows_come_in_the_order_asked(encoder):
    made = prepared.prepare(counted([]), encoder)
    whole = made.batch(np.arange(5))
    assert torch.equal(made.batch(np.array([3, 0, 3])), whole[[3, 0, 3]])


def test_pictures_are_decoded_once_and_never_again(encoder, cache):
    loads = []
    first = prepared.prepare(counted(loads), encoder).batch(np.arange(5))
    assert sorted(loads) == [0, 1, 2, 3, 4]
    again = prepared.prepare(counted(loads), encoder).batch(np.arange(5))
    assert len(loads) == 5
    assert torch.equal(again, first)
    assert [path.suffix for path in cache.iterdir()] == [".npy"]


def test_other_pictures_or_another_order_are_prepared_anew(encoder, cache):
    loads = []
    prepared.prepare(counted(loads), encoder)
    prepared.prepare(counted(loads, first="other"), encoder)
    prepared.prepare(counted(loads)[::-1], encoder)
    assert len(loads) == 15
    assert len(list(cache.iterdir())) == 3


def test_another_size_of_the_model_is_prepared_anew(tmp_path, encoder):
    loads = []
    prepared.prepare(counted(loads), encoder)
    other = encoders.load(_tiny.siglip(tmp_path / "model"))
    other.image_processor.size = {"height": 16, "width": 16}
    assert prepared.prepare(counted(loads), other).batch(np.arange(5)).shape == (5, 3, 16, 16)
    assert len(loads) == 10


def test_more_than_a_chunk_of_pictures_keeps_its_order(encoder, monkeypatch):
    monkeypatch.setattr(prepared, "_CHUNK", 2)
    given = encoder.pixels([image(n) for n in range(5)])
    torch.testing.assert_close(prepared.prepare(counted([]), encoder).batch(np.arange(5)), given, rtol=0, atol=1e-6)


@pytest.mark.parametrize("load", [broken, lambda: broken()], ids=["in another process", "in a thread"])
def test_an_unreadable_picture_is_named(encoder, cache, load):
    some = [*counted([])[:2], Picture("the bad one", "bad", load=load)]
    some = some if load is not broken else some[2:]
    with pytest.raises(DataError, match=r"'the bad one' cannot be read \(truncated\)"):
        prepared.prepare(some, encoder)
    assert not list(cache.glob("*.npy"))
