"""The demonstration keeps its promise: lost in Portuguese before, at home after, within five minutes."""

import json
from pathlib import Path

import pytest

from mirante.cli import main


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demonstration_teaches_portuguese(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--no-serve", "--json", "--out", str(tmp_path / "demo"), "--lang", "pt"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    before, after = found["before"], found["after"]
    assert before["en"]["hit_rate@1"]["value"] >= 0.85
    assert before["pt"]["hit_rate@1"]["value"] <= 0.05
    assert after["pt"]["hit_rate@1"]["low"] >= 0.5
    report = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert 'lang="pt-BR"' in report
    assert "scenes:test" in report
