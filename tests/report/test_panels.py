"""Languages side by side and answers to questions, as parts of the page."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mirante.evaluation import Contrasted, Gap
from mirante.report import save_thumbnails, write_report
from mirante.report.contrasts import contrast_panels
from mirante.report.languages import detailed, gap_sentence, language_panels, ordered
from mirante.report.voice import Voice
from mirante.types import Estimate, Pairs, Picture, Protocol, Provenance, Result

EN, PT = Voice("en"), Voice("pt")
PROTOCOL = Protocol("xm:test", "en", "text_to_image", 3600, 7200, 2.0, "as given", 3600)
GAP = Gap("clip", "xm:test", "text_to_image", "hit_rate@1", "pt", "en", -0.0612, -0.081, -0.0415, 0.001, 3600)


def measured(language: str, value: float, model: str = "clip") -> Result:
    metrics = {name: Estimate(value, value - 0.02, value + 0.02) for name in ("hit_rate@1", "mrr")}
    protocol = replace(PROTOCOL, language=language)
    examples = {"best": [{"image": None, "hits": [{"id": f"seen in {language}"}]}]}
    return Result(model, protocol.data, protocol, metrics, Provenance(model, "r", "p"), {"examples": examples})


def test_languages_stand_in_one_table_the_best_first() -> None:
    results = [measured("sw", 0.1), measured("en", 0.6), measured("pt", 0.5)]
    (panel,) = language_panels(results, [GAP], EN)
    assert panel.heading == "xm:test · 3 languages: text to image"
    (table,) = panel.tables
    assert [row[:3] for row in table.rows] == [
        ("English", "7,200", "60.0% [58.0, 62.0]"),
        ("Portuguese", "7,200", "50.0% [48.0, 52.0]"),
        ("Swahili", "7,200", "10.0% [8.0, 12.0]"),
    ]
    assert table.head == ("Language", "Queries", "Hit rate (any right answer)@1", "MRR")
    assert len(panel.charts) == 1
    assert panel.charts[0].index("English") < panel.charts[0].index("Portuguese") < panel.charts[0].index("Swahili")


def test_each_model_has_a_table_and_bars_of_one_colour() -> None:
    results = [measured(tag, value, model) for model, value in (("a", 0.5), ("b", 0.4)) for tag in ("en", "pt")]
    (panel,) = language_panels(results, [], PT)
    assert [table.caption for table in panel.tables] == ["a", "b"]
    colours = [set(re.findall(r'class="bar (s\d)"', chart)) for chart in panel.charts]
    assert colours == [{"s0"}, {"s1"}]
    assert panel.sentences == ()


def test_a_language_that_the_first_model_lacks_comes_last() -> None:
    spoken = {"sw": [measured("sw", 0.9, "b")], "en": [measured("en", 0.2)], "pt": [measured("pt", 0.3)]}
    assert ordered({"en": spoken["en"], "sw": spoken["sw"], "pt": spoken["pt"]}) == ["pt", "en", "sw"]


def test_one_language_alone_is_no_panel() -> None:
    assert language_panels([measured("en", 0.5), measured("en", 0.4, "b")], [], EN) == ()


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (
            GAP,
            "clip: Portuguese is 6.1 points below English by R@1, on the same 3,600 images (95% interval 4.2 to 8.1).",
        ),
        (
            replace(GAP, difference=0.0612, low=0.0415, high=0.081),
            "clip: Portuguese is 6.1 points above English by R@1, on the same 3,600 images (95% interval 4.2 to 8.1).",
        ),
        (
            replace(GAP, difference=-0.01, low=-0.03, high=0.012, p=0.3),
            "clip: Portuguese and English cannot be told apart by R@1 on the same 3,600 images: the difference is "
            "−1.0 points (95% interval −3.0 to 1.2).",
        ),
    ],
)
def test_a_gap_in_a_sentence(gap: Gap, said: str) -> None:
    assert gap_sentence(gap, EN) == said


def test_a_gap_in_portuguese() -> None:
    assert gap_sentence(GAP, PT) == (
        "clip: português fica 6,1 pontos abaixo de inglês em R@1, nas mesmas 3.600 imagens "
        "(intervalo de 95%: 4,2 a 8,1)."
    )


def test_of_many_languages_only_portuguese_and_english_are_drawn_in_full(tmp_path: Path) -> None:
    results = [measured(tag, 0.5) for tag in ("en", "pt-BR", "sw", "fi")]
    assert [one.protocol.language for one in detailed(results)] == ["en", "pt-BR"]
    assert len(detailed(results[:3])) == 3
    pictures = [Picture(f"seen in {tag}", tag, lambda: pytest.fail("was loaded")) for tag in ("sw", "fi")]
    save_thumbnails(tmp_path, Pairs(tuple(pictures), (), {}), results)
    assert list((tmp_path / "thumbnails").iterdir()) == []


def share(value: float) -> Estimate:
    return Estimate(value, value - 0.03, value + 0.03)


def pairs_asked(kind: str, **changed: Any) -> Contrasted:
    metrics = {"text": share(0.34), "image": share(0.12), "group": share(0.09)}
    chance = {"text": 1 / 4, "image": 1 / 4, "group": 1 / 6}
    return replace(Contrasted("clip", "winoground:test", "en", kind, metrics, chance, 400, 400), **changed)


def test_pairs_are_one_table_by_kind_with_the_chance_beside_each_score() -> None:
    (panel,) = contrast_panels([pairs_asked("", dropped=2), pairs_asked("Both", questions=26)], EN)
    assert panel.heading == "winoground:test · English: which text fits which picture"
    (table,) = panel.tables
    assert table.head[2:] == (
        "Text score (chance 25.0%)", "Image score (chance 25.0%)", "Group score (chance 16.7%)", "Questions",
    )  # fmt: skip
    assert table.rows[0] == ("clip", "all", "34.0% [31.0, 37.0]", "12.0% [9.0, 15.0]", "9.0% [6.0, 12.0]", "400")
    assert (table.rows[1][1], table.rows[1][-1]) == ("Both", "26")
    assert panel.sentences == (
        "clip matches both pictures and both texts for 9.0% [6.0, 12.0] of 400 pairs; guessing gives 16.7%.",
        "Questions left out because a picture cannot be read: 2.",
    )


def test_choices_in_portuguese() -> None:
    found = Contrasted("clip", "sugarcrepe", "en", "", {"choice": share(0.7)}, {"choice": 0.5}, 7511, 2000)
    (panel,) = contrast_panels([found], PT)
    assert panel.sentences == (
        "clip escolhe a legenda verdadeira para 70,0% [67,0; 73,0] de 7.511 imagens; adivinhar dá 50,0%.",
    )


def test_data_sets_and_languages_are_parts_of_their_own() -> None:
    found = [pairs_asked(""), pairs_asked("", language="pt-BR"), pairs_asked("", data="scenes:hard")]
    assert len(contrast_panels(found, EN)) == 3
    assert contrast_panels([], EN) == ()


def test_the_page_places_them_before_the_protocols(
    saved: dict[str, Any], keep: Callable[[object], Path], tmp_path: Path
) -> None:
    from dataclasses import asdict

    english = json.loads(json.dumps(saved["results"]))
    for result in english:
        result["protocol"]["language"] = "en"
    saved["results"] += english
    saved["contrasts"] = [asdict(pairs_asked(""))]
    saved["gaps"] = [asdict(replace(GAP, model="embedded", data="scenes:test", first="pt-BR"))]
    page = write_report(keep(saved), "pt").read_text(encoding="utf-8")
    places = [page.index(f'<section id="{anchor}"') for anchor in ("q1", "l1", "l2", "p1")]
    assert places == sorted(places)
    assert "português do Brasil fica 6,1 pontos abaixo de inglês" in page
    assert page.count('href="#l1"') == page.count('href="#q1"') == 1
    assert "which text" not in page
