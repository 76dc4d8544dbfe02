"""The whole flow on real pictures: Tux Paint's stamps, where Debian's package tuxpaint-stamps-default is installed."""

import json
from pathlib import Path
from typing import Any

import pytest

from mirante.cli import main

STAMPS = Path("/usr/share/tuxpaint/stamps")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not STAMPS.is_dir(), reason="the package tuxpaint-stamps-default is not installed"),
]


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments), "--json"])
    answer = capsys.readouterr()
    assert ended.value.code == 0, answer.err
    return json.loads(answer.out)


def test_both_languages_are_inspected_and_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for language in ("en", "pt_BR"):
        found = call(capsys, "inspect", STAMPS, "--lang", language)
        assert (found["images"], found["unreadable"]) == (785, [])
        out = tmp_path / language
        results = call(capsys, "evaluate", STAMPS, "--lang", language, "--model", "scenes", "--out", out)["results"]
        protocol = results[0]["protocol"]
        assert protocol["gallery"] == found["images"] - found["duplicate_images"]["merged"]
        assert protocol["queries"] == found["captions"]
        assert protocol["dropped"] == 0
        assert protocol["equal_captions"] == "shared"
        assert found["equal_captions"]["captions"] > 0
        assert (out / "report.html").is_file()


def test_stamps_are_indexed_and_searched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = call(capsys, "index", STAMPS, "--model", "scenes", "--out", tmp_path / "stamps", "--kind", "faiss-hnsw")
    assert made["count"] == 785
    hits = call(capsys, "search", tmp_path / "stamps", "a red apple", "-k", 5)["hits"]
    assert len({hit["id"] for hit in hits}) == 5
    picture = STAMPS / hits[0]["id"]
    assert Path(hits[0]["path"]) == picture
    again = call(capsys, "search", tmp_path / "stamps", "--image", picture, "-k", 1)["hits"]
    assert again[0]["score"] == pytest.approx(1, abs=1e-4)
