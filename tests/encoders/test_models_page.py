"""The pages on models say what `scripts/models.toml` and the encoders say."""

import importlib.util
from pathlib import Path

import pytest

from mirante import registry

SCRIPT = Path(__file__).parents[2] / "scripts/models_page.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    found = importlib.util.spec_from_file_location("models_page", SCRIPT)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_the_page_is_current(script, lang):
    """When this fails, run scripts/models_page.py."""
    assert script.PAGES[lang].read_text(encoding="utf-8") == script.WRITTEN.page(lang)


def test_every_family_has_a_row(script):
    told = {row["family"] for row in script.rows()}
    assert told == set(registry.names("mirante.encoders")) - {"toy"}
    assert {"clip", "blip2", "qwen-vl"} <= told


def test_a_row_in_both_languages(script):
    row = next(one for one in script.rows() if one["id"] == "google/siglip-base-patch16-224")
    assert script.cells(row, "en")[2:] == [
        "en", "224", "203M", "768", "0.8 GB / 0.4 GB", "Apache-2.0", "0.515", "0.491", "0.478",
        "[2303.15343](https://arxiv.org/abs/2303.15343)",
    ]  # fmt: skip
    assert script.cells(row, "pt")[4:10] == ["203 mi", "768", "0,8 GB / 0,4 GB", "Apache-2.0", "0,515", "0,491"]


def test_a_figure_that_nobody_published_is_a_dash(script):
    row = next(one for one in script.rows() if one["family"] == "blip2")
    assert script.cells(row, "en")[5] == "32 × 256"
    assert script.cells(row, "en")[8:11] == ["–", "–", "–"]


def test_a_family_without_a_row_is_refused(script, monkeypatch):
    names = [*registry.names("mirante.encoders"), "new"]
    monkeypatch.setattr(script.registry, "names", lambda package: names)
    monkeypatch.setattr(script, "file", lambda family: "clip.py")
    with pytest.raises(SystemExit, match="differ in these families: new"):
        script.rows()
