"""Long work beside the page: it is heard, it ends, it is stopped at its next step."""

import threading
from collections.abc import Iterator

import pytest

from mirante.errors import DataError
from mirante.progress import track
from mirante.web.work import Work


def test_work_ends_with_its_result_and_its_last_step() -> None:
    work = Work(lambda: sum(track([1, 2, 3], "adding", total=3))).start()
    assert work.result() == 6
    assert work.step is not None
    assert (work.step.label, work.step.done, work.step.total) == ("adding", 3, 3)


def test_work_is_stopped_at_its_next_step_and_gives_nothing() -> None:
    started, release, seen = threading.Event(), threading.Event(), []

    def steps() -> Iterator[int]:
        for number in range(100):
            started.set()
            release.wait(30)
            seen.append(number)
            yield number

    work = Work(lambda: list(track(steps(), "endless"))).start()
    started.wait(30)
    work.stop()
    release.set()
    assert work.result() is None
    assert seen == [0, 1] or seen == [0], "the step in hand is finished, no other is done"


def test_what_goes_wrong_is_told_to_who_waits() -> None:
    def broken() -> None:
        raise DataError("No rows: give a file with rows.")

    with pytest.raises(DataError, match="No rows"):
        Work(broken).start().result()


def test_news_come_until_the_end() -> None:
    release = threading.Event()
    work = Work(lambda: release.wait(30)).start()
    news = work.news(0.01)
    assert next(news) is None, "nothing was heard yet, and the work goes on"
    release.set()
    assert list(news)[-1:] in ([], [None])
    assert work.result() is True
