"""Quality against cost: the Pareto front by hand, what the table says, what is not drawn."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mirante.report import write_report
from mirante.report.economy import draw, front
from mirante.report.voice import Voice
from mirante.types import Estimate

CHROMIUM = shutil.which("chromium")
NAMES = """() => [...document.querySelector('.tradeoff-box').querySelectorAll('.alpha')]
    .map(one => one.getBoundingClientRect()).map(one => [one.left, one.top, one.right, one.bottom])"""
MODELS = (("cheap", 0.30, 1.0), ("better", 0.50, 2.0), ("dearer", 0.48, 4.0), ("worse", 0.20, 2.0), ("best", 0.60, 8.0))


def measured(half: float = 0.01) -> list[tuple[str, Estimate, float]]:
    return [(name, Estimate(value, value - half, value + half), cost) for name, value, cost in MODELS]


def test_the_front_by_hand() -> None:
    """`dearer` costs more than `better` and is worse, but its interval reaches: 0.49 against 0.49."""
    assert [(one.model, one.front) for one in front(measured())] == [
        ("cheap", "yes"), ("better", "yes"), ("dearer", "tied"), ("worse", "no"), ("best", "yes"),
    ]  # fmt: skip
    assert [one.front for one in front(measured(0.005))][2] == "no"


def test_without_intervals_behind_is_behind() -> None:
    assert [one.front for one in front(measured(0.0))] == ["yes", "yes", "no", "no", "yes"]


def test_equal_models_are_both_on_it() -> None:
    twins = [(name, Estimate(0.5, 0.4, 0.6), 1.0) for name in "ab"]
    assert [one.front for one in front(twins)] == ["yes", "yes"]


@pytest.mark.parametrize("other", [(0.4, 1.0), (0.5, 2.0)], ids=["as dear and worse", "as good and dearer"])
def test_one_that_is_no_better_and_no_cheaper_is_not(other: tuple[float, float]) -> None:
    (quality, cost), plain = other, Estimate(0.5, 0.5, 0.5)
    found = front([("a", plain, 1.0), ("b", Estimate(quality, quality, quality), cost)])
    assert [one.front for one in found] == ["yes", "no"]


def test_an_interval_must_reach_every_model_that_beats_it() -> None:
    """0.48 ± 0.02 reaches 0.50 ± 0.02 and not 0.90 ± 0.02; both are cheaper."""
    values = (("near", 0.50, 1.0), ("far", 0.90, 2.0), ("behind", 0.48, 3.0))
    found = front([(name, Estimate(value, value - 0.02, value + 0.02), cost) for name, value, cost in values])
    assert [one.front for one in found] == ["yes", "yes", "no"]


def test_the_chart_rises_in_steps_and_names_every_model() -> None:
    drawn = draw(front(measured()), Voice("en"), priced=True)
    (stairs,) = re.findall(r'points="([^"]+)" class="curve s0"', drawn)
    ys = [float(point.split(",")[1]) for point in stairs.split()]
    xs = [float(point.split(",")[0]) for point in stairs.split()]
    assert xs == sorted(xs)
    assert ys == sorted(ys, reverse=True)
    assert len(xs) == 3 * 2
    assert drawn.count("refused") == 2
    assert all(f">{name}</text>" in drawn for name, _, _ in MODELS)


def cost(image: float, text: float, price: float | None = 3.6, device: str = "cpu") -> dict[str, Any]:
    return {"device": device, "seconds_per_image": image, "seconds_per_text": text, "usd_per_hour": price}


def page(saved: dict[str, Any], keep: Callable[[object], Path], lang: str = "en", **costs: dict[str, Any]) -> str:
    for result in saved["results"]:
        result["details"]["cost"] = costs["embedded" if result["model"] == "embedded" else "clip"]
    return write_report(keep(saved), lang).read_text(encoding="utf-8")


def section(text: str) -> str:
    found = text.partition("<h3>What it costs</h3>")[2] or text.partition("<h3>Quanto custa</h3>")[2]
    return found.partition("<h3>")[0]


def cells(text: str) -> list[list[str]]:
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", section(text))
    return [[name, *re.findall(r"<td>(.*?)</td>", rest)] for name, rest in rows]


def test_money_of_a_million_by_hand(saved: Any, keep: Any) -> None:
    """At 3.6 dollars an hour a millisecond is 10⁻⁶ dollars: a million pictures of 4 ms are 4 dollars."""
    text = page(saved, keep, clip=cost(0.004, 0.001), embedded=cost(0.001, 0.001))
    clip, embedded = cells(text)[:2]
    assert clip[2:6] == ["4.0 USD", "1.0 USD", "6.2", "no"]
    assert embedded[2:6] == ["1.0 USD", "1.0 USD", "31.0", "on it"]
    assert "1,000,000 pictures" in section(text)
    assert "<svg" in section(text)


def test_without_a_price_seconds_of_a_thousand(saved: Any, keep: Any) -> None:
    text = page(saved, keep, "pt", clip=cost(0.004, 0.001, None), embedded=cost(0.001, 0.001, None))
    assert cells(text)[0][2:5] == ["4,0 s", "1,0 s", "372"]
    assert "segundos para 1.000 imagens" in section(text)
    assert "USD" not in section(text).replace("por USD ou por minuto", "")


def test_costs_of_different_machines_are_not_drawn_against_each_other(saved: Any, keep: Any) -> None:
    text = page(saved, keep, clip=cost(0.004, 0.001, device="NVIDIA L4"), embedded=cost(0.001, 0.001))
    assert "<svg" not in section(text)
    assert "timed on different machines (NVIDIA L4, cpu)" in section(text)


def test_what_training_took_stands_beside_what_was_expected(saved: Any, keep: Any) -> None:
    took = {
        "actual": {"hours": 1.2, "usd": 0.6, "peak_bytes": 18.2e9},
        "predicted": {"hours": 1.0, "usd": 0.5, "peak_bytes": 17e9},
    }
    text = page(saved, keep, clip=cost(0.004, 0.001), embedded=cost(0.001, 0.001) | {"training": took})
    assert cells(text)[0][6] == "—"
    assert cells(text)[1][6] == "1.2 h, 18.2 GB, 0.60 USD (expected 1.0 h, 17.0 GB, 0.50 USD)"


def test_where_nobody_timed_anything_nothing_is_said(saved: Any, keep: Any) -> None:
    assert "What it costs" not in write_report(keep(saved), "en").read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_the_chart_is_heard_too(lang: str) -> None:
    drawn = draw(front(measured()), Voice(lang), priced=False)
    assert ("best reaches 60.0% at 8.0 s" if lang == "en" else "best chega a 60,0% por 8,0 s") in drawn


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
@pytest.mark.parametrize("lang", ["en", "pt"])
def test_it_fits_a_phone_and_no_name_covers_another(saved: Any, keep: Any, lang: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    page(saved, keep, lang, clip=cost(0.004, 0.001), embedded=cost(0.0035, 0.001))
    path = keep(saved) / "report.html"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 320, "height": 800})
        shown.goto(path.as_uri())
        overflow = shown.evaluate("document.documentElement.scrollWidth - innerWidth")
        names = shown.evaluate(NAMES)
        browser.close()
    assert overflow <= 0
    assert len(names) == 2
    (left, top, right, bottom), (other_left, other_top, other_right, other_bottom) = names
    assert right <= other_left or other_right <= left or bottom <= other_top or other_bottom <= top
