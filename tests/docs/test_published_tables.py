"""The page of published tables quotes our own figures as they stand, and estimates as they come out."""

import re
from pathlib import Path

import pytest

from mirante.cost import estimate
from mirante.training import read_config

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"


def rows(page: str) -> list[list[str]]:
    lines = (RESULTS / page).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


@pytest.mark.parametrize(
    ("page", "source"), [("published.md", "fine-tuning.md"), ("published.pt-BR.md", "fine-tuning.pt-BR.md")]
)
def test_figures_of_fine_tuning_are_those_of_its_page(page: str, source: str) -> None:
    measured = [row[1:5] for row in rows(source) if row[0] == "0"]
    quoted = [row[1:] for row in rows(page) if row[0].startswith("[scenes-") or row[0].startswith("[stamps-")]
    assert quoted == measured
    assert len(quoted) == 4


@pytest.mark.parametrize("name", ["flickr30k-pt-clip-l14-hers", "deepfashion-siglip-base-hers"])
def test_an_estimate_comes_out_as_it_is_quoted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    told = estimate(read_config(ROOT / "configs" / f"{name}.toml"), probe=False)
    (cells,) = (row for row in rows("published.md") if row[0] == name)
    (card,) = (one for one in told.rows if one.name == "RTX 4090")
    assert cells[2] == f"{told.steps:,}"
    assert cells[3] == f"{60 * card.hours:.0f} min, {card.usd:.2f} USD"


def test_every_recipe_of_hers_has_a_command_and_an_estimate() -> None:
    page = (RESULTS / "published.md").read_text(encoding="utf-8")
    recipes = sorted(path.stem for path in (ROOT / "configs").glob("*-hers.toml"))
    trained = sorted(re.findall(r"^\$ mirante train configs/(\S+)\.toml$", page, re.MULTILINE))
    assert trained == recipes == sorted(row[0] for row in rows("published.md") if row[0].endswith("-hers"))
