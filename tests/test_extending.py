"""The files of docs/extending, registered as its README says, pass the contract tests of their families."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "extending"
BEYOND = {  # wording and files that are the own indexes' business, not a promise of the family
    "mirante.indexes": " and not wrong_rows and not an_id_twice and not wrong_queries and not links and not damage",
}
EXAMPLES = sorted(path.stem for path in DOCS.glob("*.py"))


def groups() -> dict[str, dict[str, str]]:
    """The entry points in the README's own TOML block: group → name → module."""
    (block,) = re.findall(r"```toml\n(.*?)```", (DOCS / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return tomllib.loads(block)["project"]["entry-points"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where an installed package `mirante_extras` offers every example."""
    shutil.copytree(DOCS, tmp_path / "mirante_extras")
    info = tmp_path / "mirante_extras-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mirante-extras\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{group}]\n{name} = {module}" for group, named in groups().items() for name, module in named.items()]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def test_the_package_beside_the_files_offers_what_the_readme_says() -> None:
    package = tomllib.loads((DOCS / "pyproject.toml").read_text(encoding="utf-8"))
    assert package["project"]["entry-points"] == groups()


def test_each_file_is_registered_by_the_readme_and_linked_there() -> None:
    modules = [module for named in groups().values() for module in named.values()]
    assert sorted(module.removeprefix("mirante_extras.") for module in modules) == EXAMPLES
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [name for name in EXAMPLES if f"({name}.py)" not in text] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_component_takes_half_a_page(name: str) -> None:
    lines = (DOCS / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 42


def test_once_registered_each_is_found_by_name(environment: dict[str, str]) -> None:
    code = f"from mirante.registry import names\nfor group in {list(groups())}: print(*names(group))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    found = [line.split() for line in done.stdout.splitlines()]
    assert [set(named) <= set(names) for named, names in zip(groups().values(), found, strict=True)] == [True] * len(
        groups()
    )


@pytest.mark.slow
@pytest.mark.parametrize(("group", "named"), groups().items(), ids=list(groups()))
def test_it_passes_the_contract_of_its_family(group: str, named: dict[str, str], environment: dict[str, str]) -> None:
    (name,) = named
    family = group.split(".")[1]
    contract = [str(path) for path in (ROOT / "tests" / family).glob("test_*contract.py")]
    assert contract, f"tests/{family} has no contract test"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *contract, "-k", name + BEYOND.get(group, ""), "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) >= 2
