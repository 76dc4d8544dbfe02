"""Defects planted in drawn data are found: a smaller run of `scripts/planted_defects.py`, with a seed of its own."""

import sys
from pathlib import Path

import pytest

from mirante.encoders import load

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.slow
def test_nine_in_ten_of_each_defect_are_found_and_two_in_a_hundred_sound_rows_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    import planted_defects

    rows = planted_defects.plant(tmp_path, seed=31, learnt=260, measured=140)
    assert sum(bool(row.defects) for row in rows) == 4 * 20 + 14
    counts = planted_defects.tally(rows, planted_defects.found_in(planted_defects.examined(tmp_path, load("scenes"))))
    assert {name: one["planted"] for name, one in counts.items()} == {
        "swapped": 20,
        "repeated": 20,
        "listed": 20,
        "foreign": 20,
        "leaked": 14,
    }
    assert all(one["found"] >= 0.9 * one["planted"] for one in counts.values()), counts
    assert all(one["alarms"] <= 0.02 * one["sound"] for one in counts.values()), counts
