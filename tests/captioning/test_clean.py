"""CapFilt: which captions a retrieval model keeps, by the toy encoder that sees colours and reads their names."""

import pytest
from PIL import Image

from mirante import encoders
from mirante.captioning.clean import clean
from mirante.datasets import open_dataset, read_pairs
from mirante.errors import UsageError


@pytest.fixture
def pairs(tmp_path):
    """A red picture told as red, a blue one told as red, and one that cannot be read."""
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        Image.new("RGB", (8, 8), colour).save(tmp_path / f"{name}.png")
    (tmp_path / "torn.png").write_bytes(b"no picture")
    for name in ("red", "blue", "torn"):
        (tmp_path / f"{name}.txt").write_text("red")
    return read_pairs(open_dataset(str(tmp_path)))


@pytest.fixture
def judge(pairs):
    def run(written, **asked):
        return clean(pairs, written, encoders.load("toy"), **asked)

    return run


def kept(found):
    return {(one.image, one.source) for one in found.captions if one.kept}


BLUE = {"red.png": "blue", "blue.png": "blue"}


def test_a_share_is_kept_the_best_ones(judge):
    """Of four captions, two fit: the red picture's own and what was written of the blue one."""
    found = judge(BLUE, keep=0.5)
    assert kept(found) == {("red.png", "data"), ("blue.png", "written")}
    assert found.threshold == min(one.score for one in found.captions if one.kept)
    assert len(kept(judge(BLUE, keep=1.0))) == 4


def test_a_caption_on_the_line_is_kept(judge):
    best = max(one.score for one in judge({}, keep=1.0).captions)
    assert kept(judge({}, least=best)) == {("red.png", "data")}
    assert kept(judge({}, least=best + 1e-6)) == set()


def test_a_picture_that_cannot_be_read_is_named_and_its_captions_are_not_judged(judge):
    found = judge({"torn.png": "blue"}, keep=1.0)
    assert list(found.unreadable) == ["torn.png"]
    assert {one.image for one in found.captions} == {"red.png", "blue.png"}


def test_empty_captions_and_those_of_unknown_pictures_are_not_judged(judge):
    found = judge({"red.png": "", "nowhere.png": "red", "blue.png": "blue"}, keep=1.0)
    assert [one.image for one in found.captions if one.source == "written"] == ["blue.png"]


def test_written_captions_have_their_language_and_stand_after_the_data_s_own(judge):
    found = judge(BLUE, keep=1.0, language="pt-BR")
    assert [(one.source, one.language) for one in found.captions] == [("data", ""), ("written", "pt-BR")] * 2


@pytest.mark.parametrize("asked", [{}, {"least": 0.1, "keep": 0.5}, {"keep": 0.0}, {"keep": 1.5}])
def test_one_line_is_drawn_and_a_share_is_at_most_all(judge, asked):
    with pytest.raises(UsageError, match=r"either --least .*a share up to 1"):
        judge({}, **asked)
