"""What is kept: an animation of the way, and a sheet of all pictures."""

import pytest
from PIL import Image

from mirante.errors import UsageError
from mirante.imagine.shown import MARGIN, contact_sheet, evenly, save_animation

RED, BLUE = Image.new("RGB", (10, 10), "red"), Image.new("RGB", (10, 10), "blue")


def test_the_animation_has_every_frame_and_rests_on_the_last(tmp_path) -> None:
    save_animation([RED, BLUE, RED], tmp_path / "way.gif")
    with Image.open(tmp_path / "way.gif") as found:
        assert found.n_frames == 3
        times, colours = [], []
        for at in range(3):
            found.seek(at)
            times.append(found.info["duration"])
            colours.append(found.convert("RGB").getpixel((5, 5)))
    assert times == [120, 120, 1500]
    assert colours == [(255, 0, 0), (0, 0, 255), (255, 0, 0)]


def test_the_sheet_has_a_row_for_each_picture_and_white_where_there_is_none() -> None:
    sheet = contact_sheet([[RED, BLUE], [BLUE]])
    assert sheet.size == (3 * MARGIN + 20, 3 * MARGIN + 20)
    centres = [MARGIN + 5, 2 * MARGIN + 15]
    found = [sheet.getpixel((x, y)) for y in centres for x in centres]
    assert found == [(255, 0, 0), (0, 0, 255), (0, 0, 255), (255, 255, 255)]


def test_cells_can_be_larger_than_pictures() -> None:
    assert contact_sheet([[RED]], cell=40).size == (40 + 2 * MARGIN, 40 + 2 * MARGIN)


@pytest.mark.parametrize(("count", "kept"), [(1, "e"), (2, "ae"), (3, "ace"), (9, "abcde")])
def test_few_of_many_evenly_with_the_last(count: int, kept: str) -> None:
    assert "".join(evenly("abcde", count)) == kept


def test_nothing_cannot_be_shown(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"No previews for 'way.gif'"):
        save_animation([], tmp_path / "way.gif")
    with pytest.raises(UsageError, match="at least one picture"):
        contact_sheet([[RED], []])
