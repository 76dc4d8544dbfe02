import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from mirante import encoders
from mirante.search import Entry, Gallery
from mirante.types import Embeddings
from mirante.web import Shown

CAPTIONS = {"red": "a red square", "green": 'a <b>green</b> "square"', "blue": "a blue square"}
COLOURS = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255)}


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def squares() -> dict[str, Callable[[], Image.Image]]:
    """Three pictures of one colour each, twice as wide as high."""
    return {one: lambda colour=colour: Image.new("RGB", (800, 400), colour) for one, colour in COLOURS.items()}


@pytest.fixture
def gallery(tmp_path: Path, squares: dict[str, Callable[[], Image.Image]]) -> Gallery:
    """The three pictures under the toy encoder: each is exactly one axis."""
    toy = encoders.load("toy")
    rows = Embeddings(tuple(squares), toy.encode_images([load() for load in squares.values()]), toy.provenance)
    entries = [Entry(one, (CAPTIONS[one],), {"warm": one == "red"}) for one in squares]
    return Gallery.create(tmp_path / "gallery", "exact", rows, entries)


@pytest.fixture
def shown(gallery: Gallery, squares: dict[str, Callable[[], Image.Image]]) -> Shown:
    """They as a collection of the page."""
    return Shown(gallery, encoders.load("toy"), squares, "Squares")
