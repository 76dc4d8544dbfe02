"""The site builds without a warning, leads nowhere into the void, and asks nobody else for anything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from check_site import faults

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium")
GOOD = '<a href="b.html#here">b</a> <img src="p.png"> <a href="https://e.org">out</a> <p id="top"></p><a href="#top">'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path.parent / "outside.html").write_text("")
    (tmp_path / "p.png").write_bytes(b"")
    (tmp_path / "a.html").write_text(GOOD)
    (tmp_path / "b.html").write_text('<p id="here"></p>')
    return tmp_path


def test_a_sound_site_has_no_faults(site: Path) -> None:
    assert faults(site) == []


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="c.html">', "c.html is no file of the site"),
        ('<a href="b.html#there">', "b.html#there: the page has no such place"),
        ('<a href="#no">', "#no: the page has no such place"),
        ('<img src="q.png">', "q.png is no file of the site"),
        ('<script src="https://cdn.example.org/x.js"></script>', "loads https://cdn.example.org/x.js from elsewhere"),
        ('<link rel="stylesheet" href="//fonts.example.org/x.css">', "loads //fonts.example.org/x.css from elsewhere"),
        ('<a href="../outside.html">', "../outside.html is no file of the site"),
        ('<img src="p.png" srcset="p.png 1x, https://e.org/q.png 2x">', "loads https://e.org/q.png from elsewhere"),
        ('<video poster="https://e.org/x.png">', "loads https://e.org/x.png from elsewhere"),
        ('<object data="https://e.org/x.svg">', "loads https://e.org/x.svg from elsewhere"),
        ("<style>@import url(https://e.org/x.css)</style>", "loads https://e.org/x.css from elsewhere"),
        ('<p style="background: url(https://e.org/x.png)">', "loads https://e.org/x.png from elsewhere"),
    ],
)
def test_each_kind_of_fault_is_found(site: Path, page: str, fault: str) -> None:
    (site / "a.html").write_text(page)
    assert faults(site) == [f"a.html: {fault}"]


def test_a_style_that_fetches_is_found(site: Path) -> None:
    (site / "s.css").write_text("@font-face { src: url('https://fonts.example.org/f.woff2') }")
    assert faults(site) == ["s.css: loads https://fonts.example.org/f.woff2 from elsewhere"]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both halves of the site, built as `make docs` does."""
    out = tmp_path_factory.mktemp("site")
    for config, folder in (("mkdocs.yml", out), ("mkdocs.pt-BR.yml", out / "pt-BR")):
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", ROOT / config, "-d", folder],
            cwd=ROOT,
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return out


@pytest.mark.slow
def test_the_site_has_no_faults_and_both_languages_of_each_page(built: Path) -> None:
    assert faults(built) == []
    english = {path.relative_to(built) for path in built.rglob("*.html")}
    portuguese = {path.relative_to("pt-BR") for path in english if path.parts[0] == "pt-BR"}
    assert {path for path in english if path.parts[0] not in {"pt-BR", "source"}} == {
        path for path in portuguese if path.parts[0] != "source"
    }
    assert len(portuguese) > 50


@pytest.mark.slow
def test_formulas_are_drawn_without_a_script(built: Path) -> None:
    text = (built / "guide" / "dual-encoders.html").read_text(encoding="utf-8")
    assert "<math" in text
    assert "arithmatex" not in text


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_opened_from_its_files_the_site_asks_nobody_else_and_searches_in_its_language(built: Path) -> None:
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page, asked = browser.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        for folder, words in (("", "gallery"), ("pt-BR/", "galeria")):
            page.goto(f"file://{built}/{folder}guide/metrics.html")
            page.keyboard.press("s")
            page.keyboard.type(words)
            page.locator(".md-search-result__item").first.wait_for(timeout=20_000)
            found = page.locator(".md-search-result__item a").evaluate_all("all => all.map(one => one.href)")
            assert found
            assert all(("/pt-BR/" in one) == bool(folder) for one in found)
        page.goto(f"file://{built}/guide/metrics.html")
        page.locator("a[hreflang=pt-BR]").evaluate("one => one.click()")
        page.wait_for_url("**/pt-BR/guide/metrics.html")
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        browser.close()
