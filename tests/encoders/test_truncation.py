"""Shorter rows: the first values of each vector, of length 1 again, in a space of their own."""

import numpy as np
import pytest
from PIL import Image
from tiny_checkpoints import tiny

from mirante import encoders, registry
from mirante.embeddings import Settings as Filling
from mirante.embeddings import embed, open_store
from mirante.encoders import Settings, clip
from mirante.encoders._address import join, split
from mirante.encoders._truncated import Truncated
from mirante.errors import ModelError, ModelMismatch, UnknownName, UsageError
from mirante.types import Provenance

FAMILIES = [name for name in registry.names("mirante.encoders") if name != "toy"]
TEXTS = ["a red square", "um cão azul", ""]


class Known:
    """Gives the rows that it is told."""

    def __init__(self, rows, parts=1):
        self.rows = np.asarray(rows, np.float32)
        self.dim = self.rows.shape[1]
        self.provenance = Provenance("known", "1", "abc", parts=parts)

    def encode_texts(self, texts):
        return self.rows[: len(texts)]

    encode_images = encode_texts


def test_the_first_values_are_kept_and_brought_back_to_length_one():
    cut = Truncated(Known([[0.48, 0.64, 0.6], [0.0, 0.8, 0.6]]), 2)
    assert cut.dim == 2
    assert cut.encode_texts(["one", "two"]) == pytest.approx(np.array([[0.6, 0.8], [0, 1]]), abs=1e-6)
    assert cut.encode_images([None]).dtype == np.float32


def test_each_vector_of_a_row_that_holds_several_is_cut():
    """Two vectors (.48 .64 .6) and (.8 0 .6), each 1 / √2 long in the row."""
    cut = Truncated(Known(np.array([[0.48, 0.64, 0.6, 0.8, 0, 0.6]]) / np.sqrt(2), parts=2), 2)
    assert (cut.dim, cut.provenance.parts) == (4, 2)
    assert cut.encode_texts([""])[0] * np.sqrt(2) == pytest.approx([0.6, 0.8, 1, 0], abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_cut_to_what_its_whole_rows_begin_with(family, tmp_path):
    address = tiny(family, tmp_path)
    whole, cut = encoders.load(address), encoders.load(f"{address}#dim=5")
    parts = whole.provenance.parts
    first = whole.encode_texts(TEXTS).reshape(3, parts, -1)[:, :, :5]
    rows = cut.encode_texts(TEXTS)
    assert rows.shape == (3, 5 * parts) == (3, cut.dim)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    found = rows.reshape(3, parts, 5) * np.linalg.norm(first, axis=-1, keepdims=True) * np.sqrt(parts)
    assert found == pytest.approx(first, abs=1e-5)
    assert cut.encode_images([Image.new("RGB", (9, 9), "red")]).shape == (1, cut.dim)
    assert cut.encode_texts([]).shape == cut.encode_images([]).shape == (0, cut.dim)


def test_the_address_in_its_provenance_opens_the_same_again(tmp_path):
    cut = encoders.load(clip.tiny(tmp_path), Settings(dim=7))
    assert cut.provenance.model == f"{tmp_path}#dim=7"
    again = encoders.load(cut.provenance.model)
    assert again.provenance == cut.provenance
    assert np.array_equal(again.encode_texts(TEXTS), cut.encode_texts(TEXTS))


def test_what_the_address_says_wins_over_the_settings(tmp_path):
    assert encoders.load(f"{clip.tiny(tmp_path)}#dim=7", Settings(dim=5)).dim == 7


def test_widths_are_spaces_that_are_never_mixed(tmp_path):
    address = clip.tiny(tmp_path)
    spaces = [encoders.load(f"{address}{width}").provenance for width in ("", "#dim=7", "#dim=8")]
    assert not any(one.same_space(other) for one in spaces for other in spaces if one is not other)
    assert len({one.preprocessing[:8] for one in spaces}) == 3


def test_embeddings_of_another_width_are_refused(tmp_path, monkeypatch):
    from mirante.datasets import open_dataset

    address = clip.tiny(tmp_path / "model")
    embed(open_dataset("scenes"), encoders.load(f"{address}#dim=8"), tmp_path / "rows", Filling(limit=2, split="test"))
    assert open_store(tmp_path / "rows").load("images").vectors.shape == (2, 8)
    with pytest.raises(ModelMismatch, match="dim=8"):
        open_store(tmp_path / "rows", encoders.load(address))


@pytest.mark.parametrize("width", ["0", "25", "1000"])
def test_a_width_that_the_rows_do_not_have_is_refused(width, tmp_path):
    with pytest.raises(UsageError, match="gives vectors of 24 values: dim must be from 1 to 24"):
        encoders.load(f"{clip.tiny(tmp_path)}#dim={width}")


def test_a_row_of_which_nothing_is_left_is_refused():
    """The toy has one axis a colour, and green is the fourth."""
    cut = encoders.load("toy#dim=3")
    assert cut.encode_texts(["red"])[0].tolist() == [1, 0, 0]
    with pytest.raises(ModelError, match="'toy' is zero in its first 3 values: keep more"):
        cut.encode_texts(["green"])


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("toy#dim=few", UsageError, "gives dim=few, which is no number"),
        ("toy#dim", UsageError, "options that cannot be read"),
        ("toy#dim=3&dim=4", UsageError, "gives an option twice"),
        ("toy#dime=3", UnknownName, "Unknown option of the model 'toy' 'dime'. Did you mean 'dim'"),
    ],
)
def test_options_that_say_nothing_are_refused(address, error, message):
    with pytest.raises(error, match=message):
        encoders.load(address)


def test_options_survive_being_written():
    options = {"instruction": "Find: a & b = c #1, ação", "dim": "8"}
    assert split(join("owner/name@main", options)) == ("owner/name@main", options)


def test_a_folder_may_have_the_mark_in_its_name(tmp_path):
    address = clip.tiny(tmp_path / "model#1")
    assert encoders.load(address).provenance.model == address
    cut = encoders.load(f"{address}#dim=8").provenance
    assert cut.model == f"{address}#dim=8"
    assert encoders.load(cut.model).provenance == cut
