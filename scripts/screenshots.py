"""Photograph the report and the page: docs/figures/{report,page}.png and their Portuguese twins.

The report compares the embedded model with `portuguese`, the same model after `mirante train configs/scenes-pt.toml`,
on scenes with captions in both languages; the page is the one that `mirante demo` opens, over the pictures as
`portuguese` sees them. Needs Chromium; makes what it shows below `runs/screenshots`, the model below `runs/film`.

    python scripts/screenshots.py
"""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from cli_gif import FIGURES, MODEL, QUERIES, ROOT, teach

STAGE = ROOT / "runs" / "screenshots"
DATA = "scenes:test"
WIDTH, HEIGHT = 1200, 860
TALLER = 1190
"""Of the report: the table, who is ahead, and the bars."""
PACE = 250
"""Milliseconds before each step of the browser: Gradio loses what is asked while a last answer arrives."""
PATIENCE = 180
"""Seconds until the page must answer."""
NAMES = {"en": "{}.png", "pt-BR": "{}.pt-BR.png"}
SEARCH = {"en": "What are you looking for?", "pt-BR": "O que você procura?"}


def mirante(*words: str, lang: str = "en") -> None:
    """Run a verb.

    Raises:
        CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", "mirante", *words]
    subprocess.run(command, cwd=STAGE, env={**os.environ, "MIRANTE_LANG": lang[:2]}, check=True)


def prepare() -> None:
    """Measure both models in both languages, and index the pictures."""
    teach()
    STAGE.mkdir(parents=True, exist_ok=True)
    if not (STAGE / "portuguese").exists():
        (STAGE / "portuguese").symlink_to(MODEL)
    if not (STAGE / "compared" / "results.json").is_file():
        mirante("evaluate", f"{DATA}-300", "--model", "scenes", "--model", "portuguese", "--out", "compared")
    for lang in NAMES:
        vectors = _vectors(lang)
        if not (STAGE / vectors / "index").is_dir():
            mirante("embed", DATA, "--lang", lang[:2], "--model", "portuguese", "--out", vectors)
            mirante("index", vectors, "--kind", "exact")


def _vectors(lang: str) -> str:
    return f"vectors-{lang[:2]}"


def serve_page(lang: str) -> None:
    """Serve the page until interrupted; its address is printed."""
    from mirante import demo, encoders, messages
    from mirante.search import Gallery
    from mirante.web import Shown, serve
    from mirante.web.page import build

    gallery = Gallery.open(STAGE / _vectors(lang) / "index")
    shown = Shown(gallery, encoders.load(MODEL), demo.pictures(), messages.text("web.demo_after", lang[:2]))
    page = build([shown], title=messages.text("cli.demo-title", lang[:2]), lang=lang[:2])
    serve(page, port=0, open_browser=False, announce=lambda url: print(url, flush=True))


@contextmanager
def served(lang: str) -> Iterator[str]:
    """The page's address, for as long as the context lasts.

    Raises:
        SystemExit: the server told no address.
    """
    command = [sys.executable, __file__, "--serve", lang]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield _address(process)
        finally:
            process.send_signal(signal.SIGINT)


def _address(process: "subprocess.Popen[str]") -> str:
    said, end = "", time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
        while waiting.select(max(0.0, end - time.monotonic())):
            line = process.stdout.readline()  # type: ignore[union-attr]
            said += line
            if "http://" in line:
                return "http://" + line.partition("http://")[2].partition("/")[0]
            if not line:
                break
    raise SystemExit(f"The server told no address: {said}")


def keep(page: Any, name: str, lang: str) -> None:
    """What the browser shows, with as few colours as look the same."""
    path = FIGURES / NAMES[lang].format(name)
    whole = STAGE / path.name
    page.screenshot(path=whole)
    Image.open(whole).convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def photograph_report(browser: Any, lang: str) -> None:
    """The table of the first comparison, who is ahead, and the bars."""
    mirante("report", "compared", "--lang", lang[:2])
    page = browser.new_page(viewport={"width": WIDTH, "height": TALLER}, locale=lang)
    page.goto((STAGE / "compared" / "report.html").as_uri())
    page.evaluate("scrollTo(0, document.querySelectorAll('h2')[1].getBoundingClientRect().top - 8)")
    keep(page, "report", lang)
    page.close()


def photograph_page(browser: Any, lang: str) -> None:
    """A search and its answers."""
    with served(lang) as address:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale=lang)
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(address)
        field = page.get_by_label(SEARCH[lang])
        field.fill(QUERIES[lang])
        field.press("Enter")
        page.wait_for_selector("#results .shown")
        page.wait_for_function("[...document.images].every(one => one.complete)")
        field.blur()
        keep(page, "page", lang)
        page.close()


def main() -> None:
    """Take the four pictures."""
    prepare()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"], slow_mo=PACE
        )
        for lang in NAMES:
            photograph_report(browser, lang)
            photograph_page(browser, lang)
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve_page(sys.argv[2])
    else:
        main()
