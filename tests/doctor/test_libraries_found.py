"""Versions against ranges, missing libraries, and words for every extra that the package declares."""

import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from mirante import messages
from mirante.doctor import libraries
from mirante.doctor.findings import Finding
from mirante.doctor.requirements import Requirement, allows

PYPROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = [
    "numpy>=2.0",
    "torch>=2.6; extra == 'torch'",
    "transformers>=5.0,<6; extra == 'torch'",
    "faiss-cpu>=1.10; extra == 'faiss'",
    "torch>=2.6; extra == 'all'",
    "pytest>=8.3; extra == 'dev'",
]


@pytest.mark.parametrize(
    ("range", "version", "inside"),
    [
        (">=2.6", "2.6", True),
        (">=2.6", "2.6.0", True),
        (">=2.6", "2.13.0+cpu", True),
        (">=2.6", "2.5.1", False),
        (">=2.6", "10.0", True),
        (">=5.0,<6", "5.23.0", True),
        (">=5.0,<6", "6.0.0", False),
        (">=5.0,<6", "4.9", False),
        ("!=1.2", "1.2.0", False),
        ("==1.2", "1.2.0", True),
        ("<=3", "3.0.1", False),
        (">3", "3.0", False),
        ("", "0.0.1", True),
        (">=2.6", "2.7.0rc1", True),
    ],
)
def test_a_version_lies_in_a_range_or_not(range: str, version: str, inside: bool) -> None:
    assert allows(range, version) is inside


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("numpy>=2.0", Requirement("numpy", ">=2.0")),
        ("torch>=2.6; extra == 'torch'", Requirement("torch", ">=2.6", "torch")),
        ('peft (>=0.15,<1) ; extra == "train"', Requirement("peft", ">=0.15,<1", "train")),
        ("gradio[oauth]>=6.0;extra=='web'", Requirement("gradio", ">=6.0", "web")),
        ("rich", Requirement("rich", "")),
    ],
)
def test_a_line_of_the_metadata_is_read(line: str, read: Requirement) -> None:
    assert Requirement.parse(line) == read


@pytest.mark.parametrize("line", [one for lines in PYPROJECT["optional-dependencies"].values() for one in lines])
def test_every_range_of_the_project_is_understood(line: str) -> None:
    found = Requirement.parse(line)
    assert found.name == "mirante" or not found.allows("0.0.1")
    assert found.allows("9999.0") == ("<" not in found.range)


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Finding]]:
    """What is found where these versions are installed: the key of a finding → the finding."""

    def look(python: str = "3.11.7", **versions: str) -> list[Finding]:
        there = {"mirante": "0.1.0", **{name.replace("_", "-"): one for name, one in versions.items()}}

        def version(name: str) -> str:
            if name not in there:
                raise PackageNotFoundError(name)
            return there[name]

        monkeypatch.setattr(libraries, "requires", lambda name: DECLARED)
        monkeypatch.setattr(libraries, "metadata", lambda name: {"Requires-Python": ">=3.11"})
        monkeypatch.setattr(libraries, "version", version)
        monkeypatch.setattr(libraries.platform, "python_version", lambda: python)
        return list(libraries.look())

    return look


def levels(found: list[Finding]) -> dict[str, str]:
    return {one.key.partition(".")[2]: one.level for one in found}


def test_all_there_is_all_well(installation: Callable[..., list[Finding]]) -> None:
    found = installation(numpy="2.4.6", torch="2.13.0+cpu", transformers="5.23.0", faiss_cpu="1.15.1")
    assert {one.level for one in found} == {"ok"}
    assert [one.words("en") for one in found if one.key == "doctor.extra"] == [
        "extra faiss: faiss-cpu 1.15.1",
        "extra torch: torch 2.13.0+cpu, transformers 5.23.0",
    ]


def test_an_old_python_and_an_old_library_are_wrong(installation: Callable[..., list[Finding]]) -> None:
    found = installation("3.10.2", numpy="1.26.4", torch="2.13.0", transformers="6.0.0")
    wrong = [one.words("en") for one in found if one.level == "wrong"]
    assert wrong == [
        "Python 3.10.2 is outside >=3.11: make an environment with a Python of that range and install Mirante there.",
        "numpy 1.26.4 is outside >=2.0: run pip install 'numpy>=2.0'.",
        "transformers 6.0.0 is outside >=5.0,<6: run pip install 'transformers>=5.0,<6'.",
    ]


def test_what_is_always_needed_must_be_there(installation: Callable[..., list[Finding]]) -> None:
    assert levels(installation())["library-missing"] == "wrong"


def test_extras_may_be_missing_but_without_torch_little_works(installation: Callable[..., list[Finding]]) -> None:
    found = installation(numpy="2.4.6", torch="2.13.0")
    assert levels(found) == {
        "python-ok": "ok",
        "system": "ok",
        "library": "ok",
        "without-faiss": "ok",
        "without-torch": "warn",
    }
    (torch,) = (one for one in found if one.key == "doctor.without-torch")
    assert "missing: transformers)" in torch.words("en")
    assert "pip install 'mirante[torch]'" in torch.words("pt")


def test_a_copy_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(libraries, "requires", requires)
    assert [(one.level, one.key) for one in libraries.look()] == [("wrong", "doctor.not-installed")]


@pytest.mark.parametrize("extra", sorted(set(PYPROJECT["optional-dependencies"]) - set(libraries.HIDDEN)))
def test_every_extra_says_what_it_brings(extra: str) -> None:
    said = Finding("ok", f"doctor.without-{extra}", {"extra": extra, "missing": "x"}).words("pt")
    assert f"pip install 'mirante[{extra}]'" in said


def test_no_words_are_kept_for_extras_that_are_gone() -> None:
    spoken = {key.removeprefix("doctor.without-") for key in messages.catalogue() if key.startswith("doctor.without-")}
    assert spoken == set(PYPROJECT["optional-dependencies"]) - set(libraries.HIDDEN)
