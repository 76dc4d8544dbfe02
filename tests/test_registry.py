"""A component is a file: found without an import, named in errors, never disguised when broken."""

import sys
from pathlib import Path

import pytest

from mirante import registry
from mirante.errors import UnknownName, UsageError

FILES = {
    "__init__.py": "",
    "plain.py": "VALUE = 'plain'",
    "two_words.py": "VALUE = 'two words'",
    "broken.py": "import a_library_that_nobody_has",
    "_shared.py": "raise RuntimeError('shared files are no components')",
    "notes.txt": "no component either",
    "folder/__init__.py": "VALUE = 'folder'",
    "data/readme.md": "a folder without modules",
}


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package `toy_gadgets` on the path, forgotten again afterwards."""
    for name, source in FILES.items():
        path = tmp_path / "toy_gadgets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield "toy_gadgets"
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def plugin(tmp_path: Path, family: str) -> str:
    """A distribution that offers `far` (and another `plain`) to the family by entry points."""
    (tmp_path / "far_away.py").write_text("VALUE = 'far away'", encoding="utf-8")
    info = tmp_path / "far_away-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: far-away\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{family}]\nfar = far_away\nplain = far_away\n", encoding="utf-8")
    return family


def test_names_are_the_files_without_the_underscored_ones(family: str) -> None:
    assert registry.names(family) == ("broken", "folder", "plain", "two-words")


def test_names_import_no_component(family: str) -> None:
    registry.names(family)
    assert [name for name in sys.modules if name.startswith("toy_gadgets.")] == []


def test_load_imports_the_one_that_is_wanted(family: str) -> None:
    assert registry.load(family, "two-words").VALUE == "two words"
    assert "toy_gadgets.plain" not in sys.modules


def test_an_unknown_name_is_answered_with_the_nearest_and_the_valid_ones(family: str) -> None:
    with pytest.raises(UnknownName) as caught:
        registry.load(family, "plian")
    assert str(caught.value) == (
        "Unknown toy_gadget 'plian'. Did you mean 'plain'? Valid: broken, folder, plain, two-words."
    )
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("package", "kind"),
    [
        ("mirante.losses", "loss"),
        ("mirante.indexes", "index"),
        ("mirante.datasets", "dataset"),
    ],
)
def test_the_error_names_one_of_the_family(package: str, kind: str) -> None:
    with pytest.raises(UnknownName, match=rf"^Unknown {kind} 'no-such-thing'\."):
        registry.load(package, "no-such-thing")


def test_a_broken_import_is_not_disguised_as_an_unknown_name(family: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="a_library_that_nobody_has"):
        registry.load(family, "broken")


def test_an_entry_point_of_the_same_group_adds_a_component(plugin: str) -> None:
    assert registry.names(plugin) == ("broken", "far", "folder", "plain", "two-words")
    assert registry.load(plugin, "far").VALUE == "far away"


def test_a_plugin_cannot_replace_a_component_of_our_own(plugin: str) -> None:
    assert registry.load(plugin, "plain").VALUE == "plain"


def test_an_unknown_family_has_no_names() -> None:
    assert registry.names("no_such_package") == ()
