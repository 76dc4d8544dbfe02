"""Processors, memory, accelerators, and whether torch was built for them."""

import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mirante.doctor.findings import Finding

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon", "asimd")
"""Instructions that make a processor several times faster at networks."""
LEAST_MEMORY_GB = 4.0
CPUINFO, MEMINFO, QUOTA = Path("/proc/cpuinfo"), Path("/proc/meminfo"), Path("/sys/fs/cgroup/cpu.max")
NVIDIA = Path("/proc/driver/nvidia/version")


def look() -> Iterator[Finding]:
    """The processor and the memory, then what torch sees."""
    there, usable = os.cpu_count() or 1, processors()
    yield Finding("ok", "doctor.processors", {"count": there, "usable": usable, "name": _processor()})
    yield from _instructions()
    yield from _memory()
    yield from _torch(usable)


def processors() -> int:
    """Cores that this process may use: its affinity, and the quota of its control group."""
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(QUOTA).strip().partition(" ")
    if quota.isdigit() and period.isdigit() and int(period):
        free = min(free, max(1, int(quota) // int(period)))
    return free


def _processor() -> str:
    named = re.search(r"^model name\s*:\s*(.+)$", _read(CPUINFO), re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()


def _instructions() -> Iterator[Finding]:
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _read(CPUINFO), re.MULTILINE)
    if not found:
        return
    has = [flag for flag in FLAGS if flag in found[1].split()]
    if has:
        yield Finding("ok", "doctor.instructions", {"flags": ", ".join(has)})
    else:
        yield Finding("warn", "doctor.instructions-none")


def _memory() -> Iterator[Finding]:
    lines = dict(re.findall(r"^(\w+):\s+(\d+) kB$", _read(MEMINFO), re.MULTILINE))
    if "MemTotal" not in lines:
        return
    total, free = (int(lines.get(key, 0)) * 1024 / 1e9 for key in ("MemTotal", "MemAvailable"))
    values = {"total": total, "free": free}
    low = free < LEAST_MEMORY_GB
    yield Finding("warn", "doctor.memory-low", values) if low else Finding("ok", "doctor.memory", values)


def _torch(usable: int) -> Iterator[Finding]:
    try:
        import torch
    except ModuleNotFoundError:
        return  # `libraries` says so
    except (ImportError, OSError) as error:
        yield Finding("wrong", "doctor.torch-broken", {"reason": " ".join(str(error).split())[:200]})
        return
    built = torch.version.cuda or getattr(torch.version, "hip", None)
    yield Finding("ok", "doctor.torch", {"version": torch.__version__, "build": f"CUDA {built}" if built else "CPU"})
    yield _threads(torch.get_num_threads(), usable)
    yield from _accelerators(torch, built=bool(built))


def _threads(threads: int, usable: int) -> Finding:
    """Two threads of a core count as one, so half of the usable processors is a full machine."""
    fine = usable / 2 <= threads <= usable
    values = {"threads": threads, "usable": usable}
    return Finding("ok", "doctor.threads", values) if fine else Finding("warn", "doctor.threads-differ", values)


def _accelerators(torch: Any, *, built: bool) -> Iterator[Finding]:
    if torch.cuda.is_available():
        for at in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(at)
            values = {"name": torch.cuda.get_device_name(at), "at": at, "total": total / 1e9, "free": free / 1e9}
            yield Finding("ok", "doctor.gpu", values)
    elif torch.backends.mps.is_available():
        yield Finding("ok", "doctor.mps")
    elif NVIDIA.exists() or shutil.which("nvidia-smi"):
        yield Finding("warn", "doctor.gpu-unused" if built else "doctor.gpu-cpu-build", {"version": torch.__version__})
    else:
        yield Finding("ok", "doctor.gpu-none")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
