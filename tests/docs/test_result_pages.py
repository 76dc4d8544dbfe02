"""Pages of results that a script writes are what its saved figures make, in both languages."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {"finetuning_results": "fine-tuning", "estimate_results": "estimates", "planted_defects": "planted-defects"}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    return importlib.import_module(request.param)


@pytest.mark.parametrize("script", SCRIPTS, indirect=True)
def test_the_pages_are_current(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [script.__name__, "--check"])
    assert script.main() == 0


@pytest.mark.parametrize("script", SCRIPTS, indirect=True)
def test_pages_can_be_written_without_measuring(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "HOME", tmp_path)
    monkeypatch.setattr(sys, "argv", [script.__name__, "--check"])
    assert script.main() == 1
    assert "--pages" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [script.__name__, "--pages"])
    assert script.main() == 0
    name = SCRIPTS[script.__name__]
    for file in (f"{name}.md", f"{name}.pt-BR.md"):
        assert (tmp_path / file).read_bytes() == (ROOT / "docs/results" / file).read_bytes()


@pytest.mark.parametrize("script", ["finetuning_results"], indirect=True)
def test_a_figure_is_written_as_each_language_does(script: ModuleType) -> None:
    known = json.loads(script.SAVED.read_text(encoding="utf-8"))
    known["scenes-pt"][0]["after"] = {"value": 0.9876, "low": 0.5, "high": 1.0}
    assert "| 98.8 % [50.0, 100.0] |" in script.page(known, "en")
    assert "| 98,8 % [50,0; 100,0] |" in script.page(known, "pt")


def test_numbers_change_and_code_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    numbers = importlib.import_module("_saved").numbers
    assert numbers("1,921,410 of `0.5`, 2.5 % [1.1, 4.9].", "pt") == "1.921.410 of `0.5`, 2,5 % [1,1; 4,9]."
    assert numbers("1,921,410 of 0.5", "en") == "1,921,410 of 0.5"
