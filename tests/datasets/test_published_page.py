"""The pages about data sets say what the readers know."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mirante.datasets import every_published

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("datasets.md", "datasets.pt-BR.md")


def test_the_tables_are_current() -> None:
    call = [sys.executable, str(ROOT / "scripts/datasets_page.py"), "--check"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_every_data_set_has_one_row_a_table_with_its_facts(page: str) -> None:
    rows: dict[str, list[str]] = {}
    for line in (ROOT / "docs/topics" / page).read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| `([a-z0-9-]+)` \| (?:\[|`.* GB|`.*\?|`.* MB)", line):
            rows.setdefault(found.group(1), []).append(line)
    assert {name: len(told) for name, told in rows.items()} == {one.name: 2 for one in every_published()}
    for one in every_published():
        facts = [one.homepage, one.citation, *one.layout, *(part.address for part in one.downloads)]
        assert [fact for fact in facts if fact not in "".join(rows[one.name])] == []


def test_a_stale_table_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "docs/topics").mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    for page in PAGES:
        text = (ROOT / "docs/topics" / page).read_text(encoding="utf-8")
        (tmp_path / "docs/topics" / page).write_text(text.replace("Winoground", "Vinoground"), encoding="utf-8")
    script = tmp_path / "scripts/datasets_page.py"
    for name in (script.name, "_written.py", "_pages.py"):
        (tmp_path / "scripts" / name).write_text(
            (ROOT / "scripts" / name).read_text(encoding="utf-8"), encoding="utf-8"
        )
    checked = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "datasets.pt-BR.md" in checked.stderr
    subprocess.run([sys.executable, str(script)], check=True)
    assert (tmp_path / "docs/topics/datasets.md").read_bytes() == (ROOT / "docs/topics/datasets.md").read_bytes()
