"""The page in a real browser: nothing overflows a phone, nothing is asked of a network."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mirante.report import write_report

CHROMIUM = shutil.which("chromium")
ESCAPING = """() => [...document.querySelectorAll('body *')]
    .filter(one => !one.closest('.scroll, .chart') && one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.tagName + '.' + one.className)"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
@pytest.mark.parametrize("width", [320, 400, 768, 1200])
def test_nothing_leaves_the_screen_or_the_file(
    width: int, saved: dict[str, Any], keep: Callable[[object], Path]
) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    for result in saved["results"]:
        result["model"] += "-" + "unbroken" * 12
        result["details"]["examples"]["best"][0]["text"] = "Donaudampfschifffahrt" * 8
    path = write_report(keep(saved), "pt")
    asked: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        escaping = page.evaluate(ESCAPING)
        drawn = page.evaluate("[...document.images].every(one => one.naturalWidth > 0 || !one.complete)")
        browser.close()
    assert overflow <= 0
    assert escaping == []
    assert drawn
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
