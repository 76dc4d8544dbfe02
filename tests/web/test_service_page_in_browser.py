"""`mirante serve --page`: one application answers people and programs, also after an index was swapped."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from PIL import Image

from mirante import encoders
from mirante.search import Entry, Gallery
from mirante.types import Embeddings

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 240_000  # milliseconds: the machine may be busy
PACE = 250  # milliseconds before each step, as people do: Gradio loses what is asked while a last answer arrives

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]


def coloured(folder: Path, *colours: str) -> Path:
    """A gallery of pictures of one colour each, on the disk."""
    toy, folder_of = encoders.load("toy"), folder.with_suffix(".pictures")
    folder_of.mkdir()
    images = [Image.new("RGB", (60, 40), one) for one in colours]
    for colour, image in zip(colours, images, strict=True):
        image.save(folder_of / f"{colour}.png")
    entries = [Entry(one, (f"a {one} square",), {}, str(folder_of / f"{one}.png")) for one in colours]
    rows = Embeddings(colours, toy.encode_images(images), toy.provenance)
    return Gallery.create(folder, "exact", rows, entries).folder


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    index = coloured(tmp_path / "squares", "red", "green")
    command = [sys.executable, "-m", "mirante", "serve", str(index), "--page", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        told = ""
        for line in process.stdout:
            told += line
            if line == "}\n":
                break
        yield json.loads(told)["url"]
        process.terminate()


def ask(address: str, path: str, document: dict[str, str]) -> dict:
    body = json.dumps(document).encode()
    with urlopen(Request(address + path, body, {"Content-Type": "application/json"}), timeout=60) as answer:
        return json.load(answer)


def test_the_page_and_the_interface_show_the_same_index(address: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    found = ask(address, "/v1/search", {"text": "green"})
    assert [one["id"] for one in found["hits"]] == ["green", "red"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE, slow_mo=PACE)
        page = browser.new_page(locale="pt-BR", base_url=address)
        page.set_default_timeout(PATIENCE)
        page.goto("/")
        sync_api.expect(page.get_by_label("Português")).to_be_checked(timeout=PATIENCE)
        page.wait_for_timeout(1000)  # what the page says when it is opened is said by then
        page.get_by_label("O que você procura?").fill("green")
        page.get_by_label("O que você procura?").press("Enter")
        page.wait_for_selector("#results img.shown[alt='a green square']")
        tabs = [one for one in page.get_by_role("tab").all_inner_texts() if one]
        assert tabs == ["Buscar", "Perguntar", "Classificar"]
        page.get_by_role("tab", name="Perguntar", exact=True).click()
        page.get_by_placeholder("Pergunte sobre este acervo").fill("What is green?")
        page.get_by_placeholder("Pergunte sobre este acervo").press("Enter")
        page.wait_for_selector("#answered a")
        assert "a green square" in page.locator("#answered .reply").inner_text()
        browser.close()
