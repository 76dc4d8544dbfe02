"""The public interface fits on a page, and every name of it opens."""

import ast
from pathlib import Path

import pytest

import mirante

NAMES = {
    "Client",
    "Embeddings",
    "Gallery",
    "MiranteError",
    "Pairs",
    "Qrels",
    "Query",
    "Result",
    "Run",
    "embed",
    "evaluate",
    "load_encoder",
    "open_dataset",
    "train",
    "write_report",
}


def test_the_public_names_are_exactly_these() -> None:
    assert set(mirante.__all__) == NAMES
    assert len(mirante.__all__) == len(NAMES) <= 15


def test_every_name_opens_and_is_listed() -> None:
    assert {name for name in NAMES if callable(getattr(mirante, name))} == NAMES
    assert set(dir(mirante)) >= NAMES


def test_the_names_that_type_checkers_see_are_the_same() -> None:
    tree = ast.parse(Path(mirante.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = [alias for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert {alias.asname or alias.name for alias in imported} == NAMES


def test_another_name_is_an_attribute_error_with_the_valid_ones() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'evaluation_of'.*evaluate"):
        mirante.evaluation_of  # noqa: B018
    assert not hasattr(mirante, "nothing_of_that_name")
