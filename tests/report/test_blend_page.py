"""The page of a blend, drawn from `blend.json` alone: every α is there, the chosen one marked, no label on another."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mirante import messages
from mirante.errors import StoreError
from mirante.report import write_report
from mirante.report.labels import Box, place
from mirante.report.tradeoff import BOTTOM, LEFT, RIGHT, TOP, Mark, Tradeoff
from mirante.report.voice import Voice
from mirante.types import Estimate

CHROMIUM = shutil.which("chromium")
EN = Voice("en")
RISING = (0.10, 0.50, 0.70, 0.75, 0.76)
FALLING = (0.90, 0.89, 0.88, 0.80, 0.60)
"""Hit rates at α = 0, 0.25 … 1 on the target and on the retained data; at most 3 points down is 0.88."""


def measured(value: float, data: str, language: str) -> dict[str, Any]:
    one = {"value": value, "low": value - 0.02, "high": value + 0.02}
    protocol = {
        "data": data, "language": language, "direction": "text_to_image", "gallery": 200, "queries": 582,
        "captions_per_image": 2.9, "equal_captions": "shared", "depth": 200, "dropped": 0,
        "ties": "score descending as float32, then id descending (trec_eval)",
    }  # fmt: skip
    return {"metrics": {"hit_rate@1": one, "hit_rate@5": one, "mrr": one}, "protocol": protocol}


def document(
    target: tuple[float, ...] = RISING, retain: tuple[float, ...] = FALLING, chosen: int = 2, tolerance: float = 3.0
) -> dict[str, Any]:
    steps = len(target) - 1
    made = {"revision": "5f1c", "preprocessing": "da0d", "data": ""}
    points = [
        {
            "alpha": round(at / steps, 3),
            "target": measured(new, "photos:test", "pt-BR"),
            "retain": measured(old, "old:test", "en"),
            "lost": 100 * (retain[0] - old),
            "allowed": 100 * (retain[0] - old) <= tolerance + 1e-9,
        }
        for at, (new, old) in enumerate(zip(target, retain, strict=True))
    ]
    return {
        "schema": 1,
        "metric": "hit_rate@1",
        "start": {"model": "scenes", **made},
        "end": {"model": "runs/pt/checkpoint", **made},
        "points": points,
        "tolerance": tolerance,
        "chosen": points[chosen]["alpha"],
        "checkpoint": "runs/blend/checkpoint",
        "environment": {"command": "mirante blend scenes runs/pt/checkpoint", "versions": {"torch": "2.13"}},
    }


Keep = Callable[[object], Path]


@pytest.fixture
def keep_blend(tmp_path: Path) -> Keep:
    """Write a document into a folder of its own."""

    def keep(saved: object) -> Path:
        folder = tmp_path / "blend"
        folder.mkdir(exist_ok=True)
        (folder / "blend.json").write_text(saved if isinstance(saved, str) else json.dumps(saved), encoding="utf-8")
        return folder

    return keep


def written(folder: Path, lang: str) -> str:
    return write_report(folder, lang).read_text(encoding="utf-8")


def plain(page: str) -> str:
    """The visible words, tags and style left out."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def table_rows(page: str) -> list[str]:
    body = re.search(r"<tbody>(.*?)</tbody>", page, flags=re.DOTALL)
    assert body
    return re.findall(r"<tr.*?</tr>", body[1], flags=re.DOTALL)


def chart(page: str) -> ElementTree.Element:
    drawn = re.search(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert drawn
    return ElementTree.fromstring(drawn[0])


def of_class(tree: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in tree.iter() if name in one.attrib.get("class", "").split()]


def test_every_alpha_is_in_the_table_with_both_sides_and_what_the_rule_says(keep_blend: Keep) -> None:
    rows = [plain(row) for row in table_rows(written(keep_blend(document()), "en"))]
    assert len(rows) == 5
    assert rows[0].startswith("0 10.0% 8.0–12.0")
    assert rows[2].startswith("0.5 70.0% 68.0–72.0")
    assert "88.0% 86.0–90.0" in rows[2]
    assert rows[2].endswith("−2.0 chosen")
    assert rows[3].endswith("−10.0 loses too much")
    assert rows[4].endswith("−30.0 loses too much")
    assert rows[1].endswith("−1.0")


def test_the_chosen_alpha_is_marked_in_table_summary_and_chart(keep_blend: Keep) -> None:
    page = written(keep_blend(document(chosen=1)), "en")
    marked = [plain(row) for row in table_rows(page) if 'class="best"' in row]
    assert [row.split()[0] for row in marked] == ["0.25"]
    assert "α = 0.25 is chosen. On the target it puts a right picture first for 50.0%" in plain(page)
    (ring,) = of_class(chart(page), "ring")
    dots = of_class(chart(page), "dot")
    assert (ring.attrib["cx"], ring.attrib["cy"]) == (dots[1].attrib["cx"], dots[1].attrib["cy"])
    assert [one.text for one in of_class(chart(page), "chosen")] == ["α = 0.25 (chosen)"]


def test_the_chart_has_retained_to_the_right_and_target_upwards(keep_blend: Keep) -> None:
    dots = [
        (float(one.attrib["cx"]), float(one.attrib["cy"]))
        for one in of_class(chart(written(keep_blend(document()), "en")), "dot")
    ]
    assert [x for x, _ in dots] == sorted((x for x, _ in dots), reverse=True), "less is retained at each step"
    assert [y for _, y in dots] == sorted((y for _, y in dots), reverse=True), "more is learnt, higher up"
    (x0, y0), (x1, y1), (x2, y2) = dots[0], dots[1], dots[2]
    assert x0 - x1 == pytest.approx(x1 - x2, abs=0.1), "one point each"
    assert y0 - y1 == pytest.approx(2 * (y1 - y2), abs=0.1), "40 points, then 20"


def test_the_line_of_what_may_be_lost_parts_the_points(keep_blend: Keep) -> None:
    """Start 90 %, tolerance 1.5 points: the line is half-way between the points at 89 % and 88 %."""
    tree = chart(written(keep_blend(document(tolerance=1.5, chosen=1)), "en"))
    (limit,) = of_class(tree, "limit")
    across = [float(one.attrib["cx"]) for one in of_class(tree, "dot")]
    assert float(limit.attrib["x1"]) == pytest.approx((across[1] + across[2]) / 2, abs=0.1)
    assert ["refused" in one.attrib["class"] for one in of_class(tree, "dot")] == [False, False, True, True, True]


def test_a_line_far_from_every_point_is_not_drawn(keep_blend: Keep) -> None:
    page = written(keep_blend(document(retain=(0.90, 0.90, 0.89, 0.89, 0.89), tolerance=50)), "en")
    assert of_class(chart(page), "limit") == []
    assert "All points lose much less than the rule allows" in plain(page)


def test_the_start_may_be_the_choice(keep_blend: Keep) -> None:
    page = plain(written(keep_blend(document(chosen=0)), "en"))
    assert "α = 0, the start itself, is chosen" in page
    assert "α = 0 (start, chosen)" in page


def test_both_protocols_are_told(keep_blend: Keep) -> None:
    page = plain(written(keep_blend(document()), "en"))
    assert "582 captions (Brazilian Portuguese) of photos:test each ask for their pictures in a gallery of 200" in page
    assert "582 captions (English) of old:test each ask" in page
    assert "of the α that lose at most 3 points of R@1" in page
    assert "runs/blend/checkpoint" in page


def test_in_portuguese_no_english_is_left(keep_blend: Keep) -> None:
    page = written(keep_blend(document()), "pt")
    assert 'lang="pt-BR"' in page
    assert "α = 0,5 (escolhido)" in plain(page)
    assert "88,0%" in page
    assert not re.search(r"\b(chosen|start|fine-tune|loses|captions|rule)\b", plain(page).lower())


def test_it_can_be_heard(keep_blend: Keep) -> None:
    heard = chart(written(keep_blend(document()), "en")).attrib["aria-label"]
    assert "α 0, target 10.0%, retained 90.0%" in heard
    assert "α 1, target 76.0%, retained 60.0%" in heard


def test_every_message_of_the_area_is_used(keep_blend: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[str] = set()
    text = messages.text

    def listen(key: str, lang: str | None = None, /, **values: object) -> str:
        said.add(key)
        return text(key, lang, **values)

    monkeypatch.setattr(messages, "text", listen)
    for chosen, tolerance in ((0, 3.0), (2, 3.0), (4, 80.0)):
        written(keep_blend(document(chosen=chosen, tolerance=tolerance)), "en")
    assert {key for key in messages.catalogue() if key.startswith("tradeoff.")} - said == set()


def test_names_are_never_markup(keep_blend: Keep) -> None:
    attack = "<script>alert(1)</script>"
    saved = document()
    saved["checkpoint"] = saved["end"]["model"] = saved["points"][0]["target"]["protocol"]["data"] = attack
    page = written(keep_blend(saved), "en")
    assert attack not in page
    assert page.count("&lt;script&gt;") >= 3


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", json.dumps({"schema": 2}), json.dumps({"schema": 1}), json.dumps({**document(), "points": []})],
    ids=["no json", "no object", "another schema", "nothing in it", "no points"],
)
def test_a_damaged_file_is_one_message(keep_blend: Keep, damage: str) -> None:
    with pytest.raises(StoreError, match=r"blend\.json.*blend again"):
        write_report(keep_blend(damage), "en")


def test_results_of_an_evaluation_go_first(keep_blend: Keep, keep: Keep, saved: dict[str, Any]) -> None:
    folder = keep(saved)
    (folder / "blend.json").write_text(json.dumps(document()), encoding="utf-8")
    assert "evaluation report" in written(folder, "en")


def curve(target: list[float], retain: list[float], chosen: int) -> list[Mark]:
    last = len(target) - 1
    return [
        Mark(round(at / last, 3), Estimate(t, t - 0.02, t + 0.02), Estimate(r, r - 0.01, r + 0.01), True, at == chosen)
        for at, (t, r) in enumerate(zip(target, retain, strict=True))
    ]


STEPS, FINE = [at / 10 for at in range(11)], [at / 20 for at in range(21)]
SHAPES = {
    "saturated": ([0.1 + 0.85 * a / (a + 0.05) for a in STEPS], [1.0 - 0.002 * at for at in range(11)]),
    "a cliff": ([0.1 + 0.8 * a for a in STEPS], [0.9 - 0.6 * a**4 for a in STEPS]),
    "one point": ([0.5] * 11, [0.7] * 11),
    "a straight line": ([0.9 - 0.3 * a for a in STEPS], [0.9 + 0.05 * a for a in STEPS]),
    "twenty alphas": (
        [0.1 + 0.7 * a**0.3 for a in [at / 20 for at in range(21)]],
        [0.9 - 0.01 * at for at in range(21)],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_chosen_alpha_and_both_ends_are_always_labelled(shape: str) -> None:
    target, retain = SHAPES[shape]
    tree = ElementTree.fromstring(Tradeoff(curve(target, retain, 4), 0.87, EN).draw())
    said = {one.text for one in of_class(tree, "alpha")}
    assert {"0 (start)", "1 (fine-tune)"} <= said
    assert any("(chosen)" in str(one) for one in said)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_mark_lies_within_the_axes(shape: str) -> None:
    target, retain = SHAPES[shape]
    tree = ElementTree.fromstring(Tradeoff(curve(target, retain, 4), 0.87, EN).draw())
    for one in (*of_class(tree, "dot"), *of_class(tree, "ring")):
        assert LEFT <= float(one.attrib["cx"]) <= RIGHT
        assert TOP <= float(one.attrib["cy"]) <= BOTTOM


def test_labels_keep_off_each_other_marks_and_lines() -> None:
    frame, points = Box(0, 0, 200, 200), [(100.0, 100.0), (104.0, 100.0), (100.0, 104.0), (150.0, 100.0)]
    lines = [((0.0, 92.0), (200.0, 92.0))]
    found = place(points, ["0.1", "0.2", "0.3", "0.4"], frame, lines=lines)
    boxes = [one.box for one in found if one]
    assert len(boxes) == 4
    assert not any(one.meets(other) for at, one in enumerate(boxes) for other in boxes[at + 1 :])
    assert all(frame.holds(one) for one in boxes)
    assert not any(one.crossed(*lines[0]) for one in boxes)
    assert not any(box.left < x < box.right and box.top < y < box.bottom for box in boxes for x, y in points)


def test_a_label_without_room_is_left_out() -> None:
    tight = Box(0, 0, 60, 20)
    assert place([(10.0, 10.0)], ["much too long for it"], tight) == [None]
    assert place([(10.0, 10.0)], ["0.1"], tight)[0] is not None


OVERLAPS = """() => {
  const texts = [...document.querySelectorAll('.tradeoff-box text')]
  const boxes = texts.map(one => [one.textContent, one.getBoundingClientRect()])
  const met = []
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
    const [a, b] = [boxes[i][1], boxes[j][1]]
    if (a.left + 1 < b.right && b.left + 1 < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom)
      met.push(boxes[i][0] + ' / ' + boxes[j][0])
  }
  return met
}"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
@pytest.mark.parametrize("lang", ["en", "pt"])
def test_in_a_browser_no_label_lies_on_another_and_nothing_leaves_the_screen(keep_blend: Keep, lang: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    met, overflow = {}, {}
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, (target, retain) in SHAPES.items():
            page = browser.new_page(viewport={"width": 360, "height": 800})
            page.goto(write_report(keep_blend(document(tuple(target), tuple(retain), 4)), lang).as_uri())
            overflow[name] = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            page.set_viewport_size({"width": 1200, "height": 800})
            met[name] = page.evaluate(OVERLAPS)
            page.close()
        browser.close()
    assert met == {name: [] for name in SHAPES}
    assert overflow == dict.fromkeys(SHAPES, 0)
