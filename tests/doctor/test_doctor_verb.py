"""`mirante doctor`: lines or one JSON document, and an exit code that a script can use."""

import json
from collections.abc import Callable

import pytest

from mirante import doctor
from mirante.cli import main
from mirante.doctor import Examination, Finding

FINE = Finding("ok", "doctor.library", {"name": "numpy", "version": "2.4.6", "range": ">=2.0"})
MIND = Finding("warn", "doctor.offline", {"name": "HF_HUB_OFFLINE"})
BAD = Finding("wrong", "doctor.library-missing", {"name": "rich", "range": ">=13.9"})

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code and standard output of `mirante doctor` that finds this."""

    def call(*arguments: str, libraries: list[Finding], lang: str = "en") -> tuple[int, str]:
        monkeypatch.setenv("MIRANTE_LANG", lang)
        monkeypatch.setattr(doctor, "PARTS", {"libraries": lambda: libraries, "environment": lambda: [MIND]})
        with pytest.raises(SystemExit) as end:
            main(["doctor", *arguments])
        return int(end.value.code or 0), capsys.readouterr().out

    return call


def test_warnings_are_no_failure(run: Run) -> None:
    code, out = run(libraries=[FINE])
    assert code == 0
    assert out.splitlines() == [
        "Python and libraries",
        "  ok     numpy 2.4.6",
        "Environment",
        "  warn   HF_HUB_OFFLINE is on: only what lies in the cache opens. Unset it to download.",
        "Nothing is wrong: 1 ok, 1 to mind.",
    ]


def test_one_wrong_line_is_exit_code_1(run: Run) -> None:
    code, out = run(libraries=[FINE, BAD], lang="pt")
    assert code == 1
    assert "  erro   Falta rich: execute pip install 'rich>=13.9'." in out.splitlines()
    assert out.splitlines()[-1].startswith("1 com erro, 1 a observar, 1 em ordem")


def test_the_json_document(run: Run) -> None:
    code, out = run("--json", libraries=[BAD])
    assert code == 1
    assert json.loads(out) == {
        "schema": 1,
        "passed": False,
        "counts": {"ok": 0, "warn": 1, "wrong": 1},
        "parts": {
            "libraries": [
                {
                    "level": "wrong",
                    "finding": "library-missing",
                    "values": {"name": "rich", "range": ">=13.9"},
                    "message": "rich is missing: run pip install 'rich>=13.9'.",
                }
            ],
            "environment": [
                {
                    "level": "warn",
                    "finding": "offline",
                    "values": {"name": "HF_HUB_OFFLINE"},
                    "message": "HF_HUB_OFFLINE is on: only what lies in the cache opens. Unset it to download.",
                }
            ],
        },
    }


def test_every_part_is_examined_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(doctor.PARTS) == ["libraries", "devices", "storage", "environment", "golden"]
    monkeypatch.setitem(doctor.PARTS, "golden", list)
    found = doctor.examine()
    assert list(found.parts) == list(doctor.PARTS)
    assert all(found.parts[part] for part in ("libraries", "devices", "storage", "environment"))


def test_counting() -> None:
    assert Examination({"a": (FINE, BAD), "b": (MIND, FINE)}).count("ok") == 2
    assert Examination({"a": (FINE, MIND)}).passed
    assert not Examination({"a": (FINE, MIND), "b": (BAD,)}).passed
