"""The film shows what a terminal would, and is small enough for a README."""

from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from cli_gif import COLUMNS, INK, PAPER, PROMPT, ROWS, Painter, palette, shown

FIGURES = Path(__file__).resolve().parents[2] / "docs" / "figures"


def plain(transcript: str) -> list[str]:
    return [line.plain for line in shown(transcript)]


def test_a_line_that_is_written_anew_shows_its_last_words() -> None:
    assert plain("\r\x1b[Kembed: 1/3\r\x1b[Kembed: 3/3\r\ndone\r\n") == ["embed: 3/3", "done", ""]


def test_long_lines_are_cut_where_the_terminal_ends_and_old_ones_leave_it() -> None:
    assert plain("x" * (COLUMNS + 4)) == ["x" * COLUMNS, "xxxx"]
    assert plain("\n".join(map(str, range(99)))) == [str(number) for number in range(99 - ROWS, 99)]


def test_colours_come_from_what_was_printed() -> None:
    image = Painter().draw("\x1b[32mWWWWWW\x1b[0m\nWWWWWW").quantize(palette=palette(), dither=0).convert("RGB")
    seen = [{colour for _, colour in image.crop((0, top, 100, top + 17)).getcolors()} for top in (12, 29)]
    assert PAPER in seen[0]
    assert PROMPT in seen[0]
    assert INK not in seen[0]
    assert INK in seen[1]
    assert PROMPT not in seen[1]


@pytest.mark.parametrize("name", ["cli.gif", "cli.pt-BR.gif"])
def test_the_film_is_short_small_and_begins_again(name: str) -> None:
    with Image.open(FIGURES / name) as film:
        lasts = 0
        for at in range(film.n_frames):
            film.seek(at)
            lasts += film.info["duration"]
        assert film.info["loop"] == 0
        assert film.width <= 900
    assert 15_000 <= lasts <= 25_000
    assert (FIGURES / name).stat().st_size < 600_000


@pytest.mark.parametrize("name", ["report.png", "report.pt-BR.png", "page.png", "page.pt-BR.png"])
def test_the_pictures_of_report_and_page_are_small(name: str) -> None:
    assert (FIGURES / name).stat().st_size < 300_000
