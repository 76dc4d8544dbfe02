"""The guide's chapters run as notebooks and print what their pages say; how-to pages run as they are written."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import chapters
from _pages import ROOT, fences, pages
from chapters import cells, compare, notebook, same, write

PAGE = """# A chapter

*[Em português](x.pt-BR.md)*

See [metrics](metrics.md) and [a paper](https://arxiv.org/abs/2103.00020).

```python
print(1 + 1)
```

```output
2
```

```console no-run
$ mirante train configs/x.toml
```

```console
$ echo one
$ echo two
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "x.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("told", "printed", "equal"),
    [
        ("hit_rate@1 0.951", "hit_rate@1 0.952", True),
        ("hit_rate@1 0.951", "hit_rate@1 0.900", False),
        ("95,1 % dos pares", "94,9 %  dos pares\n", True),
        ("30 pictures", "31 pictures", False),
        ("1,000 pictures", "1,001 pictures", True),
        ("a star", "a moon", False),
        ("0.0", "0.1", True),
        ("0.0", "0.3", False),
        ("", "anything", False),
    ],
)
def test_words_are_compared_exactly_and_numbers_nearly(told: str, printed: str, equal: bool) -> None:
    assert same(told, printed) is equal


def test_cells_come_with_the_output_that_follows_them(page: Path) -> None:
    assert [(cell.info, output.lines if output else None) for cell, output in cells(page)] == [
        (("python",), ("2",)),
        (("console",), None),
    ]


def test_a_page_becomes_a_notebook_that_stands_alone(page: Path) -> None:
    made = notebook(page)
    nbformat.validate(made)
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    assert code[1:] == ["print(1 + 1)", "%%script bash -e\necho one\necho two"]
    text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    assert "See metrics and [a paper](https://arxiv.org/abs/2103.00020)." in text
    assert "mirante train configs/x.toml" in text
    assert "Em português" not in text


def test_another_output_is_told_with_its_place_and_can_be_written(page: Path) -> None:
    assert compare(page, ["2\n", ""]) == []
    assert compare(page, ["3\n", ""]) == ["x.md:11: the cell at line 7 prints\n3\n"]
    write(page, ["3\n", ""])
    assert compare(page, ["3\n", ""]) == []


@pytest.mark.slow
def test_a_cell_that_fails_fails_its_chapter(page: Path) -> None:
    page.write_text(PAGE.replace("echo two", "mirante embedd"), encoding="utf-8")
    page.with_name("x.pt-BR.md").write_text(PAGE, encoding="utf-8")
    (wrong,) = chapters.check(page, into=False)
    assert wrong.startswith("x.md: ")


CHAPTERS = chapters.chapters()


def test_each_taught_step_has_a_chapter_with_cells() -> None:
    assert {path.stem for path in CHAPTERS} >= {
        "cost", "data", "dual-encoders", "fine-tuning", "generation", "metrics", "rag", "reranking", "retrieval",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_prints_what_it_says_in_both_languages(path: Path) -> None:
    assert chapters.check(path, into=False) == []


def runs(path: Path) -> bool:
    """Whether a page has commands that are run as they are written, and not as a notebook."""
    told = fences(path.read_text(encoding="utf-8"), path.name)
    return path.parent.name != "guide" and any(one.info == ("console",) for one in told)


COMMANDED = [path for path in pages("en") if runs(path)]


def test_every_how_to_page_has_commands_to_run() -> None:
    assert [path.stem for path in COMMANDED if path.parent.name == "how-to"] == [
        "caption", "compare-in-portuguese", "fine-tune-on-8-gb", "moderate",
        "own-pictures", "rerank", "scale-out", "serve",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", COMMANDED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_commands_of_a_page_run(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "page_commands.py", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_notebooks_are_written_for_both_languages(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "chapters.py", "--notebooks", tmp_path], capture_output=True, check=False
    )
    assert done.returncode == 0
    written = {path.name for path in tmp_path.glob("*.ipynb")}
    assert written == {f"{path.stem}{end}.ipynb" for path in CHAPTERS for end in ("", ".pt-BR")}
    assert all(json.loads((tmp_path / name).read_text(encoding="utf-8"))["cells"] for name in written)
