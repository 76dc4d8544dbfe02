"""Progress is silent unless somebody listens; then it tells the rate and the time left."""

import pytest

from mirante import progress
from mirante.progress import Line, Step


@pytest.mark.parametrize(
    ("step", "rate", "left"),
    [
        (Step("embed", "images", done=10, total=40, seconds=5.0), 2.0, 15.0),
        (Step("embed", "images", done=40, total=40, seconds=5.0), 8.0, 0.0),
        (Step("embed", "images", done=10, total=None, seconds=5.0), 2.0, None),
        (Step("embed", "images", done=0, total=40, seconds=5.0), 0.0, None),
        (Step("embed", "images", done=10, total=40, seconds=0.0), 0.0, None),
    ],
)
def test_rate_and_seconds_left(step: Step, rate: float, left: float | None) -> None:
    assert (step.rate, step.left) == (rate, left)


def test_parts_pass_unchanged_and_silently(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track("abc", "read", total=3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_a_listener_hears_every_part_by_its_size() -> None:
    heard: list[tuple[str, str, int, int | None]] = []
    with progress.listening(lambda step: heard.append((step.label, step.unit, step.done, step.total))):
        list(progress.track([[1, 2], [3]], "embed", total=3, unit="images", size=len))
    assert heard == [("embed", "images", 2, 3), ("embed", "images", 3, 3)]


def test_a_part_counts_when_its_work_is_done_not_when_it_starts() -> None:
    heard: list[int] = []
    with progress.listening(lambda step: heard.append(step.done)):
        parts = progress.track("ab", "read")
        next(parts)
        assert heard == []
        next(parts)
        assert heard == [1]


def test_nobody_listens_after_the_block_even_when_it_fails() -> None:
    heard: list[Step] = []

    def fail() -> None:
        with progress.listening(heard.append):
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    list(progress.track("abc", "read"))
    assert heard == []


def test_away_from_a_terminal_the_end_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    line = Line()
    line(Step("embed", "images", done=500, total=2000, seconds=10.0))
    line(Step("embed", "images", done=600, total=2000, seconds=12.0))
    line(Step("embed", "images", done=2000, total=2000, seconds=40.0))
    assert capsys.readouterr() == (
        "",
        "embed: 500/2,000 images, 50.0/s, 30 s left\nembed: 2,000/2,000 images, 50.0/s\n",
    )
