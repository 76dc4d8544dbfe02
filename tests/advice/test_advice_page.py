"""`advice.html` from `advice.json` alone: in both languages, on a phone, without a network, and never from damage."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from mirante.errors import StoreError, UsageError
from mirante.report.advice_page import write_advice

CHROMIUM = shutil.which("chromium")
ESCAPING = """() => [...document.querySelectorAll('body *')]
    .filter(one => !one.closest('.scroll, .chart, .tradeoff-box') && one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.tagName + '.' + one.className)"""


def r1(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.02}


PROTOCOL = {
    "data": "photos:test", "language": "", "direction": "text_to_image", "gallery": 500, "queries": 2500,
    "captions_per_image": 5.0, "equal_captions": "shared", "depth": 500,
}  # fmt: skip
CURVE = {
    "points": [
        {"share": share, "pictures": pictures, "r1": r1(value), "seconds": 60.0}
        for share, pictures, value in ((0.0, 0, 0.12), (0.01, 40, 0.2), (0.05, 200, 0.3), (0.2, 800, 0.45))
    ],
    "protocol": PROTOCOL,
    "pictures": 4000,
    "expected": r1(0.61),
    "gain": r1(0.49),
    "measured_gain": r1(0.33),
    "line": [{"pictures": n, "r1": r1(value)} for n, value in ((40, 0.2), (400, 0.38), (4000, 0.61))],
    "doubts": [],
    "left_out": [],
    "forgotten": None,
}
LEAK = {"count": 50, "pictures": 500, "queries": 250, "train": "photos:train", "names": ["a.png", "b.png"]}
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "data": "photos:test",
    "learn_from": {"data": "photos:train", "apart": True, "rows": 4000, "texts": 19000},
    "measured": {
        "protocol": PROTOCOL,
        "models": [
            {"model": "a/siglip", "family": "siglip", "r1": r1(0.4)},
            {"model": "toy", "family": None, "r1": r1(0.1)},
        ],
        "languages": {"pt-BR": r1(0.12), "en": r1(0.7)},
        "families": None,
    },
    "answers": [
        {"topic": "kind", "verdict": "diverse", "others": []},
        {"topic": "step", "verdict": "deploy", "others": ["fine-tune-likely"]},
    ],
    "focus": {
        "language": "pt-BR", "r1": r1(0.12), "answers": [{"topic": "step", "verdict": "fine-tune-now", "others": []}],
    },
    "diagnosis": None,
    "leaks": None,
    "learning_curve": CURVE,
    "recommendation": {
        "action": "fine-tune", "basis": "curve", "others": [],
        "warnings": [{"key": "advise.leak", "values": LEAK}],
        "reasons": [{"key": "advise.kind-diverse", "values": {"rows": 4000, "texts": 19000}}],
        "command": "mirante train advice/photos/fine-tune.toml", "config": "advice/photos/fine-tune.toml",
        "afterwards": ["mirante evaluate photos:test --model a/siglip --out <later>"],
        "price": None,
    },
    "environment": {"command": "mirante advise photos", "seconds": 61.0, "seed": 0, "versions": {"mirante": "0.1.0"}},
}  # fmt: skip


@pytest.fixture
def keep(tmp_path: Path):
    def save(**changed: Any) -> Path:
        (tmp_path / "advice.json").write_text(json.dumps({**DOCUMENT, **changed}), encoding="utf-8")
        return tmp_path

    return save


def read(folder: Path, lang: str = "en") -> str:
    """The page's words, without marks."""
    text = re.sub(r"(?s)<style>.*?</style>|<[^>]+>", " ", write_advice(folder, lang).read_text(encoding="utf-8"))
    return " ".join(text.split())


def test_leaks_come_before_the_recommendation(keep) -> None:
    page = read(keep())
    assert page.index("Before anything else 50 of the 500 measured pictures") < page.index("Fine-tune the model The")
    assert "Before anything else" not in read(keep(recommendation={**DOCUMENT["recommendation"], "warnings": []}))


def test_the_command_and_its_configuration_stand_on_the_page(keep) -> None:
    page = read(keep())
    assert "mirante train advice/photos/fine-tune.toml" in page
    assert "The configuration is written: advice/photos/fine-tune.toml" in page
    assert "--out &lt;later&gt;" in page, "names are escaped"


def test_the_tables_say_what_was_measured(keep) -> None:
    page = read(keep())
    assert "a/siglip SigLIP 40.0%, interval 38.0% to 42.0%" in page
    assert "toy another 10.0%" in page
    assert "Brazilian Portuguese 12.0%" in page
    assert "800 20% 45.0%, interval 43.0% to 47.0% +33.0 60 s" in page
    assert "4,000 all, not measured: the curve 61.0%" in page


def test_the_rules_answer_for_all_captions_and_for_the_language_that_is_advised_on(keep) -> None:
    page = read(keep())
    assert "What next? using the model as it is a fine-tune that likely helps" in page
    assert "What next? (Brazilian Portuguese) fine-tuning now" in page


def test_in_portuguese(keep) -> None:
    page = read(keep(), "pt")
    assert "50 das 500 imagens medidas também estão entre as de treino" in page
    assert "4.000 todas, não medido: a curva 61,0%" in page
    assert "E agora? (português do Brasil) ajustar agora" in page


def test_without_models_and_fine_tunes_the_page_is_short(keep) -> None:
    page = read(keep(measured=None, focus=None, learning_curve=None))
    assert "Learning curve" not in page
    assert "What was measured" not in page


def test_the_chart_is_read_aloud_and_holds_every_point(keep) -> None:
    page = write_advice(keep(), "en").read_text(encoding="utf-8")
    assert "The model as it is: 12.0%. 40 pictures, 20.0%; 200 pictures, 30.0%; 800 pictures, 45.0%; 4,000" in page
    assert page.count('class="dot s0"') == 3
    assert page.count('class="dot s0 refused"') == 1
    assert 'class="curve s0"' in page


def test_a_curve_that_is_not_trusted_is_dashed(keep) -> None:
    page = write_advice(keep(learning_curve={**CURVE, "doubts": ["wide"]}), "en").read_text(encoding="utf-8")
    assert 'class="curve again s0"' in page


def test_points_without_a_curve_are_drawn_alone(keep) -> None:
    lone = {**CURVE, "points": CURVE["points"][:2], "line": [], "doubts": ["few-points"]}
    page = write_advice(keep(learning_curve=lone), "en").read_text(encoding="utf-8")
    assert page.count('class="dot s0"') == 1
    assert "<polygon" not in page


def test_a_folder_without_advice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mirante advise"):
        write_advice(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 2}', '{"schema": 1}'])
def test_damage_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "advice.json").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match="advise again"):
        write_advice(tmp_path)
    assert not (tmp_path / "advice.html").exists()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
@pytest.mark.parametrize("width", [320, 400, 768, 1200])
def test_nothing_leaves_the_screen_or_the_file(keep, width: int) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    long = {**DOCUMENT["recommendation"], "command": "mirante train " + "unbroken" * 30, "config": "x" * 200}
    path = write_advice(keep(recommendation=long), "pt")
    asked: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        escaping = page.evaluate(ESCAPING)
        browser.close()
    assert overflow <= 0
    assert escaping == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
