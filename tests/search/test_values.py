"""What a filter can be set to."""

from pathlib import Path

import numpy as np
import pytest

from mirante.search import Entry, Gallery
from mirante.types import Embeddings, Provenance

FIELDS = [{"colour": "red", "count": 1, "wild": True}, {"colour": "blue", "count": 1.5}, {"colour": "red"}]


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    rows = Embeddings(("a", "b", "c"), np.eye(3, dtype=np.float32), Provenance("m", "1", "p"))
    entries = [Entry(one, (), fields) for one, fields in zip("abc", FIELDS, strict=True)]
    return Gallery.create(tmp_path, "exact", rows, entries)


@pytest.mark.parametrize(
    ("name", "values"),
    [("colour", ("blue", "red")), ("count", ("1", "1.5")), ("wild", ("true",)), ("size", ())],
)
def test_a_field_has_the_values_that_entries_have(gallery: Gallery, name: str, values: tuple[str, ...]) -> None:
    assert gallery.values(name) == values


@pytest.mark.parametrize(
    ("name", "value", "found"), [("count", "1.5", "b"), ("wild", "true", "a"), ("count", "1", "a")]
)
def test_each_value_filters(gallery: Gallery, name: str, value: str, found: str) -> None:
    row = np.ones(3, np.float32) / np.sqrt(np.float32(3))
    assert [hit.id for hit in gallery.search(row, 3, {name: value})] == [found]


def test_a_field_with_too_many_values_has_none_to_choose_from(gallery: Gallery) -> None:
    assert gallery.values("colour", 1) == ()
    assert gallery.values("colour", 2) == ("blue", "red")
