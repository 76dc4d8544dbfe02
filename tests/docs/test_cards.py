"""The cards say what ships: the model's from its saved figures, the data's from the generator, the rest by name."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
CARDS = ROOT / "docs" / "cards"
PACKAGE = ROOT / "src" / "mirante"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    return importlib.import_module(request.param)


@pytest.mark.parametrize("script", ["embed_model"], indirect=True)
def test_the_cards_of_the_model_are_what_its_saved_figures_make(script: ModuleType) -> None:
    made = script.cards()
    assert {path.relative_to(ROOT).as_posix() for path in made} == {
        "src/mirante/embedded/scenes/README.md",
        "docs/cards/model.md",
        "docs/cards/model.pt-BR.md",
    }
    assert [path.name for path, page in made.items() if path.read_text(encoding="utf-8") != page] == []


@pytest.mark.parametrize("script", ["embed_model"], indirect=True)
def test_the_card_on_the_site_has_the_figures_of_the_one_in_the_package(script: ModuleType) -> None:
    pages = script.cards()
    tables = [re.findall(r"\d[\d.,]*", "".join(re.findall(r"^\|.*$", page, re.MULTILINE))) for page in pages.values()]
    here, english, portuguese = ([re.sub(r"\D", "", one) for one in found] for found in tables)
    assert here == english == portuguese
    assert len(here) > 100


@pytest.mark.parametrize("script", ["scenes_card"], indirect=True)
@pytest.mark.parametrize(("split", "pictures"), [("hard", 1_000), ("chalk-validation", 500)])
def test_the_card_of_the_data_counts_what_the_generator_makes(script: ModuleType, split: str, pictures: int) -> None:
    every, full = script.told(split)
    assert len(full) == pictures
    row = f"| `{split}` | {pictures:,} | {len(every):,} | {len(set(every)):,} | "
    assert row in (CARDS / "scenes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["others.md", "others.pt-BR.md"])
def test_every_data_file_of_the_package_has_its_card(page: str) -> None:
    named = re.findall(r"`([\w./*{}-]+)`", (CARDS / page).read_text(encoding="utf-8"))
    ours = (path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"})
    lone = [
        path.relative_to(PACKAGE) for path in ours if not any(path.relative_to(PACKAGE).match(one) for one in named)
    ]
    assert lone == []
