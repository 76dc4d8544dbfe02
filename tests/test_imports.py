"""What is light stays light: metrics and reports judge any system's run without torch."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "faiss", "datasets", "gradio", "matplotlib")


def loaded_after(statement: str, libraries: tuple[str, ...] = HEAVY) -> list[str]:
    """Those of the libraries in a fresh interpreter after `statement`; its own output is dropped."""
    report = f"import sys; print(*sorted(set({libraries!r}) & set(sys.modules)))"
    code = f"import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n    {statement}\n{report}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    "module",
    [
        "mirante",
        "mirante.asking",
        "mirante.cli",
        "mirante.generation",
        "mirante.retrieval",
        "mirante.client",
        "mirante.config",
        "mirante.cost",
        "mirante.embeddings",
        "mirante.encoders",
        "mirante.environment",
        "mirante.datasets",
        "mirante.errors",
        "mirante.evaluation",
        "mirante.indexes",
        "mirante.indexes.exact",
        "mirante.messages",
        "mirante.pixels",
        "mirante.registry",
        "mirante.report",
        "mirante.search",
        "mirante.training",
        "mirante.types",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_after(f"import {module}") == []


def test_help_loads_nothing_heavy() -> None:
    program = "import mirante.cli, sys; sys.argv = ['mirante', '--help']"
    run = "\n    try: mirante.cli.main()\n    except SystemExit as end: assert not end.code, end.code"
    assert loaded_after(program + run, (*HEAVY, "numpy", "pyarrow", "PIL", "rich")) == []


def test_the_probe_itself_sees_a_heavy_import() -> None:
    assert loaded_after("import faiss") == ["faiss"]
