"""Pictures decoded no larger than the encoder wants."""

import io

import numpy as np
import pytest
from PIL import Image

from mirante import encoders, pixels, registry
from mirante.cost.timing import Timed
from mirante.embeddings import Settings, embed, open_store
from mirante.errors import UsageError
from mirante.types import Caption, Item, Picture


def jpeg(width, height):
    """A smooth picture of that size."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 120 * np.sin(x / (20 + 7 * at) + y / (31 - 5 * at)) for at in range(3)]
    stream = io.BytesIO()
    Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("side", "size"), [(0, (400, 300)), (224, (400, 300)), (150, (200, 150)), (40, (100, 75)), (30, (50, 38))]
)
def test_a_jpeg_is_decoded_at_the_least_scale_that_leaves_both_sides_long_enough(side, size):
    data = jpeg(400, 300)
    with pixels.reduced(side):
        assert pixels.decode(data).size == size
    assert pixels.decode(data).size == (400, 300)


def test_another_thread_decodes_in_full():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool, pixels.reduced(40):
        assert pool.submit(pixels.decode, jpeg(400, 300)).result().size == (400, 300)


@pytest.fixture
def address(tmp_path):
    """A tiny CLIP for pictures of 32 × 32 pixels."""
    return registry.load("mirante.encoders", "clip").tiny(tmp_path / "model")


class Photographs:
    """Six JPEG files of 400 × 300 pixels; `sizes` are those that were decoded."""

    name, revision, splits, columns = "photographs", "1", ("test",), {}

    def __init__(self):
        self.sizes = []

    def items(self, split, language=None):
        for at in range(6):
            yield Item(Picture(f"p{at}", f"content {at}", self._load(at)), (Caption(f"p{at}#0", f"photograph {at}"),))

    def _load(self, at):
        def load():
            image = pixels.decode(jpeg(400 + at, 300))
            self.sizes.append(image.size)
            return image

        return load


def test_an_embedding_decodes_small_and_its_rows_are_near_those_of_the_whole_pictures(address, tmp_path):
    rows = {}
    for decode in ("exact", "reduced"):
        photographs = Photographs()
        encoder = encoders.load(address, encoders.Settings(decode=decode))
        embed(photographs, encoder, tmp_path / decode, Settings(batch=4))
        rows[decode] = open_store(tmp_path / decode).load("images").vectors
        sides = [min(size) for size in photographs.sizes]
        assert (sides == [300] * 6) if decode == "exact" else (max(sides) < 80 and min(sides) >= 32)
    assert (rows["exact"] * rows["reduced"]).sum(axis=1).min() > 0.999


def test_an_encoder_that_is_timed_gets_small_pictures_too(address, tmp_path):
    photographs = Photographs()
    timed = Timed(encoders.load(f"{address}#decode=reduced"))
    embed(photographs, timed, tmp_path, Settings(batch=4))
    assert {min(size) for size in photographs.sizes} == {38}
    assert sum(count for count, _ in timed.calls["images"]) == 6


def test_the_address_tells_and_its_space_is_another(address):
    exact, reduced = encoders.load(address), encoders.load(f"{address}#decode=reduced&dim=8")
    assert reduced.provenance.model == f"{address}#decode=reduced&dim=8"
    assert not reduced.provenance.same_space(encoders.load(f"{address}#dim=8").provenance)
    assert reduced.scale == 32
    assert getattr(exact, "scale", None) is None


def test_models_that_keep_the_size_of_pictures_are_refused(tmp_path):
    for family in ("siglip2", "toy"):
        address = registry.load("mirante.encoders", family).tiny(tmp_path / family)
        with pytest.raises(UsageError, match="decode exact"):
            encoders.load(f"{address}#decode=reduced")
