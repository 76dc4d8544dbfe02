"""The tabs in a real browser, in both languages; what they look like is kept under `screenshots/` for people to see."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 240_000  # milliseconds: the machine may be busy
PACE = 250  # milliseconds before each step, as people do: Gradio loses what is asked while a last answer arrives
SCREENSHOTS = Path(__file__).parents[2] / "screenshots" / "web"
SERVED = """
import json, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mirante import encoders
from mirante.datasets.scenes import SceneDataset
from mirante.generation import open_generator
from mirante.search import Entry, Gallery
from mirante.types import Embeddings
from mirante.web import Shown, page, serve

class Model(BaseHTTPRequestHandler):  # speaks OpenAI's protocol, slowly; cites one entry, and one that is not there
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = json.dumps(asked["messages"])
        cited = text[text.index("<item id=") :].split("test-")[1][:7]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in ("It is ", "purple, ", f"as [test-{cited}] shows", ", not [test-9999999]."):
            event = {"choices": [{"delta": {"content": piece}}]}
            self.wfile.write(f"data: {json.dumps(event)}\\n\\n".encode())
            self.wfile.flush()
            time.sleep(2)
        self.wfile.write(b"data: [DONE]\\n\\n")
    def log_message(self, *said):
        pass

model = ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=model.serve_forever, daemon=True).start()

folder = Path(sys.argv[1])
toy, pairs = encoders.load("toy"), SceneDataset().pairs("test-12", "en")
pictures = {image.id: image.load for image in pairs.images}
captions = {image.id: caption.text for image, caption in zip(pairs.images, pairs.captions[::len(pairs.captions) // 12])}

class Backwards:
    name = "backwards"
    def score(self, candidates):
        return -candidates.scores

class Slow:
    provenance, dim, encode_texts = toy.provenance, toy.dim, toy.encode_texts
    def encode_images(self, images):
        time.sleep(2)
        return toy.encode_images(images)

def shown(name, images, rerankers=()):
    ids = [image.id for image in images]
    rows = Embeddings(tuple(ids), toy.encode_images([image.load() for image in images]), toy.provenance)
    entries = [Entry(image.id, (captions[image.id],), dict(image.metadata)) for image in images]
    return Shown(Gallery.create(folder / name, "exact", rows, entries), toy, pictures, name, rerankers)

runs = folder / "runs"
for name, losses in (("portuguese", [4, 2, 1.5, 1.2]), ("english", [4, 3, 2.5, 2.4])):
    run = runs / name
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"config": {"data": {"address": "scenes:train-64"}}}))
    lines = (json.dumps({"step": 10 * at, "loss": loss, "hours": 0.1 * at}) for at, loss in enumerate(losses, 1))
    (run / "log.jsonl").write_text("\\n".join(lines))

blocks = page.build(
    [shown("All scenes", pairs.images, (Backwards(),)), shown("Half", pairs.images[:6])], title="Scenes",
    examples=["something grey", "algo roxo"], runs=runs,
    load=lambda model: Slow() if model == "slow" else encoders.load(model),
    generator=open_generator(f"openai:http://127.0.0.1:{model.server_port}/v1#stub"),
)
serve(blocks, port=0, open_browser=False, announce=lambda url: print("SERVED", url, flush=True))
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [sys.executable, "-c", SERVED, str(tmp_path_factory.mktemp("tabs"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("SERVED"):
                break
        assert "".join(said[-1:]).startswith("SERVED"), "".join(said)
        yield said[-1].split()[1]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE, slow_mo=PACE)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, address: str) -> Iterator[Any]:
    """Opens the page in a browser that speaks a language; every request stays on the loopback, nothing goes wrong."""
    asked: list[str] = []
    wrong: list[str] = []
    pages: list[Any] = []

    def visit(locale: str = "en-GB", tab: str = "", **how: Any) -> Any:
        page = chromium.new_page(locale=locale, base_url=address, **how)
        pages.append(page)
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto("/")
        page.wait_for_selector("#results .shown")
        if tab:
            page.get_by_role("tab", name=tab, exact=True).click()
        return page

    yield visit
    for page in pages:
        page.close()
    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:", "about:"))} == {
        "127.0.0.1"
    }
    assert wrong == []


def keep(page: Any, name: str) -> None:
    """Keep what the page looks like, all of it."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def speak(page: Any, language: str) -> None:
    """Set the page's switch."""
    page.locator("#language").get_by_label(language).check()


def fits(page: Any) -> bool:
    """Whether nothing leaves the screen to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0)


def test_search_tells_ranks_filters_and_finds_more_like_an_answer(visit: Any) -> None:
    page = visit()
    page.wait_for_selector("#results .ranks >> text=before: 12")
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("background").fill("night")
    page.get_by_label("background").press("Enter")
    page.wait_for_function("document.querySelectorAll('#results .shown').length < 12")
    keep(page, "search-en")
    first = page.locator("#results .alike").first
    words = first.get_attribute("aria-label")
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#results .asked")
    assert words.startswith("More like: ")
    assert page.locator("#results > * p, #results p").first.inner_text() == words
    keep(page, "search-like-en")


def test_the_browsers_language_comes_first_and_the_switch_after(visit: Any) -> None:
    page = visit("pt-BR")
    page.wait_for_selector("text=Resultados: 12, do melhor para o pior.")
    tabs = page.get_by_role("tab").all_inner_texts()
    assert [one for one in tabs if one] == ["Buscar", "Comparar", "Perguntar", "Classificar", "Avaliar", "Execuções"]
    assert page.evaluate("document.documentElement.lang") == "pt-BR"
    page.wait_for_timeout(1000)  # no late answer in the other language takes its place
    assert "Resultados: 12" in page.locator("#results").inner_text()
    keep(page, "search-pt")
    speak(page, "English")
    page.wait_for_selector("text=Results: 12, best first.")
    page.get_by_role("tab", name="Runs", exact=True).wait_for()


def test_two_collections_are_compared(visit: Any) -> None:
    page = visit(tab="Compare")
    panel = page.get_by_role("tabpanel").filter(visible=True)
    panel.get_by_role("button", name="Compare").click()
    page.wait_for_selector("#compared section >> nth=1")
    assert page.locator("#compared h2").all_inner_texts() == ["All scenes", "Half"]
    assert "Half: " in page.locator("#compared .ranks").first.inner_text()
    keep(page, "compare-en")
    speak(page, "Português")
    page.wait_for_selector("#compared >> text=respostas são encontradas por todos")
    keep(page, "compare-pt")


def test_a_picture_is_classified(visit: Any, tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "purple").save(tmp_path / "mine.png")
    page = visit(tab="Classify")
    panel = page.get_by_role("tabpanel").filter(visible=True)
    panel.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    panel.get_by_label("Labels").first.fill("red, purple, blue")
    panel.get_by_label("Clear").wait_for()
    panel.get_by_role("button", name="Classify").click()
    page.wait_for_selector("#classified tbody tr")
    assert page.locator("#classified tbody th").first.inner_text() == "purple"
    assert page.get_by_alt_text("The picture that is classified, most probably: purple").is_visible()
    keep(page, "classify-en")
    speak(page, "Português")
    page.wait_for_selector("#classified >> text=probabilidade")
    keep(page, "classify-pt")


def test_an_answer_grows_and_cites_what_was_found(visit: Any) -> None:
    page = visit(tab="Ask")
    page.get_by_placeholder("Ask about this collection").fill("What is purple?")
    page.get_by_placeholder("Ask about this collection").press("Enter")
    page.wait_for_selector("#answered [aria-busy=true] >> text=It is")
    assert page.locator("#answered a").count() == 0, "it is shown before it is complete"
    page.wait_for_selector("#answered a")
    (label,) = page.locator("#answered a").all_inner_texts()
    assert page.locator("#answered .reply").inner_text().startswith(f"It is purple, as {label} shows")
    assert "9999999" not in page.locator("#answered").inner_text()
    assert label in page.locator("#answered .cited").inner_text()
    assert page.locator("#answered .entries .shown").count() == 5
    keep(page, "ask-en")
    speak(page, "Português")
    question = page.get_by_placeholder("Pergunte sobre este acervo")
    question.fill("O que é roxo?")
    question.press("Enter")
    page.wait_for_selector("#answered [aria-busy=true]")
    page.wait_for_selector("#answered:not(:has([aria-busy=true])) >> text=O que se encontrou para ela")
    keep(page, "ask-pt")


def test_data_is_looked_at_measured_taken_away_and_found_again(visit: Any) -> None:
    page = visit(tab="Evaluate")
    page.get_by_placeholder("scenes:test-100").fill("scenes:test-12")
    page.get_by_role("button", name="Look at the data").click()
    page.wait_for_selector("#evaluated .findings")
    assert "12" in page.locator("#evaluated .findings").inner_text()
    keep(page, "evaluate-look-en")
    page.get_by_role("button", name="Evaluate and advise").click()
    page.wait_for_selector("#evaluated .figures")
    page.wait_for_selector(".file-preview .stem >> text=report")
    assert page.locator(".file-preview .stem").all_inner_texts() == ["report", "advice", "results", "runs"]
    assert page.locator("#evaluated .advice h2").inner_text().startswith("Advice: ")
    page.locator("#evaluated summary").click()
    assert page.frame_locator("#evaluated iframe").get_by_role("heading", level=1).first.is_visible()
    keep(page, "evaluate-en")
    speak(page, "Português")
    page.wait_for_selector("#evaluated >> text=Recomendação")
    page.get_by_role("tab", name="Execuções").click()
    page.wait_for_selector("#past >> text=avaliação")
    keep(page, "runs-pt")


def test_an_evaluation_is_cancelled_on_its_way(visit: Any) -> None:
    page = visit(tab="Evaluate")
    page.get_by_placeholder("scenes:test-100").fill("scenes:test-400")
    models = page.get_by_label("Models")
    models.fill("slow")
    models.press("Enter")
    page.get_by_role("button", name="Evaluate and advise").click()
    page.wait_for_selector("#evaluated progress")
    keep(page, "evaluate-progress-en")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_selector("#evaluated >> text=Cancelled.")
    assert page.locator("#evaluated .figures").count() == 0


def test_past_trainings_are_opened_and_compared(visit: Any) -> None:
    page = visit(tab="Runs")
    page.wait_for_selector("#past tbody tr")
    chosen = page.get_by_label("Open")
    for name in ("portuguese", "english"):
        chosen.click()
        page.get_by_role("option", name=name).click()
    page.wait_for_selector("#reopened polyline >> nth=1")
    keep(page, "runs-en")
    assert page.get_by_role("tab", name="Runs").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_tab_whole(visit: Any, scheme: str) -> None:
    page = visit("pt-BR", viewport={"width": 375, "height": 800}, color_scheme=scheme)
    page.wait_for_selector("text=Resultados: 12, do melhor para o pior.")
    assert fits(page)
    assert page.locator("#results .alike").first.inner_text() == "Mais como esta"
    keep(page, f"phone-search-{scheme}")
    for tab in ("Comparar", "Perguntar", "Classificar", "Avaliar", "Execuções"):
        found = page.get_by_role("tab", name=tab, exact=True)
        if not found.is_visible():
            page.locator(".overflow-menu > button").click()
            found = page.get_by_role("button", name=tab, exact=True)
        found.first.click()
        page.wait_for_timeout(300)
        assert fits(page)
        keep(page, f"phone-{tab}-{scheme}")
