"""How much data there is, without downloading any."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mirante.cost.answer import DataSize
from mirante.cost.sizes import sizes, texts_per_picture
from mirante.datasets.scenes import SceneDataset
from mirante.training.config import Data


def test_elip_s_published_needs_are_known_before_a_download() -> None:
    """1 TB for DataCompDR-12M, 600 to 800 GB for CC3M, as its authors say."""
    assert sizes(Data("hf:apple/DataCompDR-12M:train")).learnt.download == 10**12
    assert 6 * 10**11 <= (sizes(Data("hf:pixparse/cc3m-wds:train")).learnt.download or 0) <= 8 * 10**11


def test_a_published_split_has_its_published_size() -> None:
    found = sizes(Data("hf:laicsiifes/flickr30k-pt-br:train", validation="hf:laicsiifes/flickr30k-pt-br:validation"))
    assert found.learnt == DataSize(29_000, 145_000, 4_306_311_970, "known")
    assert found.measured == (1014, 5070)


def test_what_is_held_out_is_measured_and_not_learnt() -> None:
    """A tenth of 103,250, and a fifth of the rest."""
    found = sizes(Data("hf:Artificio/WikiArt:train", hold_out=0.1, share=0.2))
    assert (found.learnt.pictures, found.measured) == (18_585, (10_325, 10_325))


def test_a_limit_is_said_as_such() -> None:
    assert sizes(Data("hf:Artificio/WikiArt:train", limit=500)).learnt == DataSize(500, 500, 2_100_000_000, "limit")
    assert sizes(Data("hf:ana/unknown", limit=500)).learnt == DataSize(500, None, None, "limit")


@pytest.mark.parametrize("address", ["hf:ana/unknown", "/no/such/folder"])
def test_what_nobody_knows_is_unknown(address: str) -> None:
    assert sizes(Data(address)).learnt == DataSize(None, None, None, "unknown")


def test_what_lies_here_is_read(tmp_path: Path) -> None:
    """Three pictures, one of them without a caption."""
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / f"{number}.png")
    for number in range(2):
        (tmp_path / f"{number}.txt").write_text("a dog\na brown dog", encoding="utf-8")
    found = sizes(Data(str(tmp_path))).learnt
    assert (found.pictures, found.download, found.origin) == (2, 0, "read")


def test_a_large_set_that_knows_its_number_is_not_read_to_the_end() -> None:
    found = sizes(
        Data("scenes:train-50000", language="en"),
    ).learnt
    assert (found.pictures, found.origin) == (50_000, "read")
    assert 2 * 50_000 < (found.captions or 0) < 3 * 50_000


def test_captions_of_a_batch_are_about_as_many_as_are_drawn() -> None:
    data = Data("scenes:train-64", language="en")
    assert texts_per_picture(data) == 1.0
    drawn = SceneDataset().batches("train-64", "en", partials=2, partners=0.0).draw(0, 16, seed=0)
    partial = replace(data, captions="partial", partials=2)
    assert texts_per_picture(partial) == pytest.approx(len(drawn.texts) / 16, rel=0.1)
