"""The table of GPUs, ours and the user's."""

from datetime import date
from pathlib import Path

import pytest

from mirante.cost import gpus
from mirante.errors import UnknownName, UsageError

ROW = """
[[gpu]]
name = "Own"
memory = {memory}
fp32 = 10.0
half = 40.0
usd_per_hour = 0.5
source = "a friend"
date = "{date}"
"""


def test_every_row_of_ours_is_whole_and_its_price_is_dated() -> None:
    table = gpus.load()
    assert len({gpu.name for gpu in table}) == len(table) >= 8
    assert all(gpu.half > gpu.fp32 for gpu in table)
    assert all(date(2025, 1, 1) <= date.fromisoformat(gpu.date) <= date(2026, 12, 31) for gpu in table)
    assert [gpu.name for gpu in table if not gpu.bf16] == ["T4"]


def test_speed_is_the_assumed_share_of_the_peak() -> None:
    """60 % of 8.1 TFLOPS in fp32, 35 % of 65 in 16 bits."""
    t4 = gpus.named("t4", gpus.load())
    assert t4.speed("fp32") == pytest.approx(4.86e12)
    assert t4.speed("bf16") == t4.speed("fp16") == pytest.approx(22.75e12)


def test_the_user_s_own_table_takes_the_place_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert len(gpus.load()) > 1
    gpus.own().parent.mkdir()
    gpus.own().write_text(ROW.format(memory=24.0, date="2026-11-21"), encoding="utf-8")
    assert gpus.own() == tmp_path / "mirante" / "gpus.toml"
    assert [gpu.name for gpu in gpus.load()] == ["Own"]


@pytest.mark.parametrize(
    ("memory", "day", "said"),
    [
        ("-1.0", "2026-11-21", "memory of the GPU 'Own' must be above 0, not -1.0"),
        ("24.0", "last week", "must be a day like 2026-11-09, not 'last week'"),
        ('"24"', "2026-11-21", r"gpu\[0\]: memory must be float, not '24'"),
    ],
)
def test_a_bad_row_is_refused_by_its_field(tmp_path: Path, memory: str, day: str, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(ROW.format(memory=memory, date=day), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        gpus.load(path)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Unknown GPU 'RTX 409'. Did you mean 'RTX 4090'"):
        gpus.named("RTX 409", gpus.load())


@pytest.mark.parametrize(
    ("driver", "row"),
    [
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("Tesla T4", "T4"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe 80GB"),
        ("NVIDIA GeForce GTX 1080", None),
        ("cpu", None),
    ],
)
def test_a_driver_s_name_finds_its_row(driver: str, row: str | None) -> None:
    found = gpus.like(driver, gpus.load())
    assert (found and found.name) == row
