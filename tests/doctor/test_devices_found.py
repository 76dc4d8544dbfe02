"""Processors, memory and accelerators, as files of the system and a stand-in for torch describe them."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mirante.doctor import devices
from mirante.doctor.findings import Finding

CPUINFO = "processor\t: 0\nmodel name\t: Example 9000\nflags\t\t: fpu sse2 avx2 amx_bf16\n\nprocessor\t: 1\n"
MEMINFO = "MemTotal:       32000000 kB\nMemFree:         1000000 kB\nMemAvailable:   {free} kB\n"


def stand_in(**changed: Any) -> SimpleNamespace:
    """A torch that sees no accelerator, unless told."""
    plain = {"threads": 4, "cuda": None, "gpus": (), "mps": False} | changed
    cuda = SimpleNamespace(
        is_available=lambda: bool(plain["gpus"]),
        device_count=lambda: len(plain["gpus"]),
        mem_get_info=lambda at: (60_000_000_000, 80_000_000_000),
        get_device_name=lambda at: plain["gpus"][at],
    )
    return SimpleNamespace(
        __version__="2.13.0",
        version=SimpleNamespace(cuda=plain["cuda"], hip=None),
        cuda=cuda,
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: plain["mps"])),
        get_num_threads=lambda: plain["threads"],
    )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Findings on a machine of four processors with these files and this torch."""

    def look(torch: Any = None, *, nvidia: bool = False, **files: str) -> list[Finding]:
        for name, content in {"CPUINFO": CPUINFO, "MEMINFO": MEMINFO.format(free=20_000_000), **files}.items():
            (tmp_path / name).write_text(content)
            monkeypatch.setattr(devices, name, tmp_path / name)
        monkeypatch.setattr(devices, "NVIDIA", tmp_path if nvidia else tmp_path / "none")
        monkeypatch.setattr(devices.shutil, "which", lambda name: None)
        monkeypatch.setattr(devices, "processors", lambda: 4)
        monkeypatch.setattr(devices.os, "cpu_count", lambda: 8)
        monkeypatch.setitem(sys.modules, "torch", torch or stand_in())
        return list(devices.look())

    return look


def said(found: list[Finding], key: str) -> tuple[str, str]:
    (one,) = (one for one in found if one.key == f"doctor.{key}")
    return one.level, one.words("en")


def test_a_plain_machine(machine: Any) -> None:
    found = machine()
    assert {one.level for one in found} == {"ok"}
    assert said(found, "processors")[1] == "Example 9000: 8 processors, 4 for this process"
    assert said(found, "instructions")[1] == "instructions for fast networks: avx2, amx_bf16"
    assert said(found, "memory")[1] == "memory: 32.8 GB, 20.5 GB free"
    assert said(found, "torch")[1] == "torch 2.13.0, built for CPU"
    assert said(found, "gpu-none")[0] == "ok"


def test_gpus_are_named_with_their_memory(machine: Any) -> None:
    found = machine(stand_in(cuda="12.6", gpus=("H100", "T4")))
    assert [one.words("en") for one in found if one.key == "doctor.gpu"] == [
        "GPU 0: H100, 80.0 GB, 60.0 GB free",
        "GPU 1: T4, 80.0 GB, 60.0 GB free",
    ]
    assert said(found, "torch")[1].endswith("built for CUDA 12.6")


@pytest.mark.parametrize(("cuda", "key"), [(None, "gpu-cpu-build"), ("12.6", "gpu-unused")])
def test_a_gpu_that_torch_does_not_use_is_told(cuda: str | None, key: str, machine: Any) -> None:
    assert said(machine(stand_in(cuda=cuda), nvidia=True), key)[0] == "warn"


def test_apples_gpu_is_told(machine: Any) -> None:
    assert said(machine(stand_in(mps=True), nvidia=True), "mps")[0] == "ok"


@pytest.mark.parametrize(
    ("threads", "level"), [(1, "warn"), (2, "ok"), (3, "ok"), (4, "ok"), (5, "warn"), (16, "warn")]
)
def test_threads_should_match_the_processors(threads: int, level: str, machine: Any) -> None:
    (one,) = (one for one in machine(stand_in(threads=threads)) if "threads" in one.key)
    assert one.level == level
    assert level == "ok" or "OMP_NUM_THREADS=4" in one.words("pt")


def test_little_memory_and_old_instructions_are_told(machine: Any) -> None:
    found = machine(MEMINFO=MEMINFO.format(free=2_000_000), CPUINFO="flags : fpu sse2\n")
    assert said(found, "memory-low") == (
        "warn",
        "memory: only 2.0 of 32.8 GB are free: close other programs, or use a base-size model.",
    )
    assert said(found, "instructions-none")[0] == "warn"


def test_a_system_without_these_files_says_less(machine: Any) -> None:
    found = machine(CPUINFO="", MEMINFO="")
    assert [one.key for one in found] == ["doctor.processors", "doctor.torch", "doctor.threads", "doctor.gpu-none"]


def test_a_torch_that_does_not_load_is_wrong(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine()
    monkeypatch.setitem(sys.modules, "torch", None)  # what Python raises then is a ModuleNotFoundError
    assert "doctor.torch" not in {one.key for one in devices.look()}

    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "torch":
                raise OSError("libcudart.so.12: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    found = list(devices.look())
    assert said(found, "torch-broken")[0] == "wrong"
    assert "libcudart.so.12" in said(found, "torch-broken")[1]


@pytest.mark.parametrize(
    ("quota", "usable"), [("max 100000", 6), ("200000 100000", 2), ("50000 100000", 1), ("900000 100000", 6), ("", 6)]
)
def test_the_quota_of_a_container_counts(
    quota: str, usable: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    monkeypatch.setattr(devices, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(devices.os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    assert devices.processors() == usable
