"""The page in a real browser, served by a process of its own: it searches, speaks two languages and stays at home."""

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
PATIENCE = 60_000  # milliseconds: the machine may be busy
PACE = 250  # milliseconds before each step, as people do: Gradio loses what is asked while a last answer arrives
PURPLE_FIRST = "#results li:first-child img[alt='scene test-0000001']"
SERVED = """
import sys
from pathlib import Path

def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        host = str(args[1][0] if event == "socket.connect" else args[0])
        print("ASKED", host, flush=True)

sys.addaudithook(watch)

from mirante import encoders
from mirante.datasets.scenes import SceneDataset
from mirante.search import Entry, Gallery
from mirante.types import Embeddings
from mirante.web import Shown, page, serve

toy, pairs = encoders.load("toy"), SceneDataset().pairs("test-12", "en")
pictures = {image.id: image.load for image in pairs.images}
rows = Embeddings(tuple(pictures), toy.encode_images([load() for load in pictures.values()]), toy.provenance)
entries = [Entry(one, (f"scene {one}",)) for one in pictures]
blocks = page.build(
    [Shown(Gallery.create(Path(sys.argv[1]), "exact", rows, entries), toy, pictures)], title="Drawn <scenes>",
    examples=["something grey", "algo roxo"], lang="en",
)
serve(blocks, port=0, open_browser=False, announce=lambda url: print("SERVED", url, flush=True))
print("ENDED", flush=True)
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """The page's address, and the hosts that its server asked for (whole once the module's tests are done)."""
    command = [sys.executable, "-c", SERVED, str(tmp_path_factory.mktemp("web") / "gallery")]
    asked: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            asked += [line.split()[1]] if line.startswith("ASKED") else []
            if line.startswith("SERVED"):
                break
        assert "".join(said[-1:]).startswith("SERVED"), "".join(said)
        yield said[-1].split()[1], asked
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert rest.splitlines()[-1:] == ["ENDED"], rest
    assert process.returncode == 0
    asked += [line.split()[1] for line in rest.splitlines() if line.startswith("ASKED")]
    assert set(asked) <= {"127.0.0.1", "localhost"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, slow_mo=PACE)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, served: tuple[str, list[str]]) -> Iterator[Any]:
    """The page, opened and answered; every request stays on the loopback and nothing goes wrong in the console."""
    asked: list[str] = []
    wrong: list[str] = []
    page = chromium.new_page(locale="en-GB", base_url=served[0])
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto("/")
    page.wait_for_selector("#results .shown")
    yield page
    page.close()
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}
    assert wrong == []


def search(page: Any, text: str) -> None:
    page.get_by_role("textbox").first.fill(text)
    page.get_by_role("textbox").first.press("Enter")


def test_the_page_opens_with_an_answer_in_pictures(page: Any) -> None:
    assert page.get_by_role("heading", level=1).inner_text() == "Drawn <scenes>"
    assert page.get_by_label("What are you looking for?").input_value() == "something grey"
    assert page.locator("#results .shown").count() == 12
    assert page.evaluate("[...document.images].every(one => one.naturalWidth === 128 && one.alt.startsWith('scene'))")


def test_a_query_is_searched_by_keyboard_and_a_bad_one_is_told_so(page: Any) -> None:
    search(page, "   ")
    assert page.get_by_role("alert").inner_text() == "Write what to look for, or give a picture."
    assert page.locator("#results .shown").count() == 0
    search(page, "something purple")
    page.wait_for_selector(PURPLE_FIRST)
    assert page.get_by_role("alert").count() == 0


def test_an_example_is_searched_by_a_click(page: Any) -> None:
    page.get_by_role("button", name="algo roxo").click()
    page.wait_for_selector(PURPLE_FIRST)
    assert page.get_by_label("What are you looking for?").input_value() == "algo roxo"


def test_the_language_changes_all_texts_and_the_answer(page: Any) -> None:
    page.get_by_label("Português").check()
    page.wait_for_selector("text=Resultados: 12, do melhor para o pior.")
    page.get_by_label("O que você procura?").wait_for()
    assert page.get_by_role("button", name="Buscar", exact=True).is_visible()
    assert page.evaluate("document.documentElement.lang") == "pt-BR"
    english = ("What are you", "Search", "Results", "Take away", "Number of")
    assert [one for one in english if one in page.locator("body").inner_text()] == []


def test_a_picture_is_searched_as_soon_as_it_is_uploaded(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.png"
    Image.new("RGB", (9, 9), "purple").save(file)
    page.get_by_label("What are you looking for?").fill("")
    page.get_by_role("button", name="Search with a picture").click()
    page.locator("input[type=file]").set_input_files(file)
    page.wait_for_selector(PURPLE_FIRST)
    assert page.get_by_alt_text("More like this picture").is_visible()
    (tmp_path / "song.png").write_bytes(b"ID3 a song under a false name")
    page.get_by_label("Clear").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "song.png")
    page.get_by_role("alert").wait_for()
    assert "not a picture" in page.get_by_role("alert").inner_text()


def test_a_file_of_more_than_20_megabytes_is_refused(page: Any) -> None:
    files = {size: {"name": "a.png", "mimeType": "image/png", "buffer": bytes(size << 20)} for size in (1, 21)}
    answers = {size: page.request.post("gradio_api/upload", multipart={"files": files[size]}) for size in files}
    assert {size: answer.status for size, answer in answers.items()} == {1: 200, 21: 413}


@pytest.mark.parametrize("width", [320, 400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_leaves_the_screen(page: Any, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("button", name="Search with a picture").click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
