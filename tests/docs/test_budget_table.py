"""The table of what a budget buys is what the recipes and the prices make, in both languages."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    return importlib.import_module("budget_table")


def test_the_pages_are_current(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [script.__name__, "--check"])
    assert script.PAGES.main(script.__doc__) == 0


def test_a_dollar_buys_whole_runs_and_parts_of_hours(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = script.cost.Gpu("half a dollar", 24.0, 80.0, 165.0, 0.5, "here", "2026-01-01")
    monkeypatch.setattr(script, "chosen", lambda: gpu)
    monkeypatch.setattr(script, "ENCODERS", {})
    monkeypatch.setattr(script, "RECIPES", {"long": ("long", "longo"), "large": ("large", "grande")})
    monkeypatch.setattr(script, "recipe_hours", lambda name, gpu: {"long": 3.0, "large": None}[name])
    lines = script.table("pt").splitlines()
    assert lines[2] == "| horas dela | 0,50 USD | 2,0 | 10,0 | 40,0 | 200,0 |"
    assert lines[3] == "| longo | 1,50 USD | 0 | 3 | 13 | 66 |"
    assert lines[4].startswith("| grande | não cabe |")
