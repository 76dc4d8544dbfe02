"""The page of licences names every direct dependency, and the citation names this version."""

import importlib
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import mirante

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    return importlib.import_module("licences_page")


def test_the_page_is_current(script: ModuleType) -> None:
    assert script.GENERATED.main(None, ["--check"]) == 0


def test_every_direct_dependency_has_a_row_and_a_licence(script: ModuleType) -> None:
    wanted = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    names = {script.NAME.match(line).group() for line in [*PROJECT["dependencies"], *wanted]} - {"mirante"}
    found = {one.name: one for one in script.packages(PROJECT)}
    assert set(found) == names
    page = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    assert [name for name, one in found.items() if f"| [{name}]({one.address}) |" not in page] == []
    assert [name for name, one in found.items() if not one.address.startswith("https://")] == []


def test_a_package_that_nobody_knows_asks_for_a_line(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="OVERRIDES"):
        _ = script.Package("no-such-package", ("dev",)).licence


def test_no_override_is_left_over(script: ModuleType) -> None:
    assert set(script.OVERRIDES) <= {one.name for one in script.packages(PROJECT)}


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["version"] == PROJECT["version"] == mirante.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == [{"name": PROJECT["authors"][0]["name"]}]
    assert {"message", "title", "abstract"} <= set(citation)
