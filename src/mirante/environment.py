"""What a result was made with: versions, machine, commit, command; stored beside every number."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mirante import digests

LIBRARIES = (
    "mirante",
    "numpy",
    "pillow",
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "faiss-cpu",
    "onnxruntime",
    "open_clip_torch",
    "openvino",
    "peft",
    "safetensors",
    "sentence-transformers",
    "torchvision",
    "gradio",
)


def describe() -> dict[str, Any]:
    """Plain data for JSON: versions of the libraries at hand, Python, processor count, git commit, command."""
    return {
        "versions": versions(),
        "python": platform.python_version(),
        "system": platform.system(),
        "processors": os.cpu_count(),
        "commit": commit(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def code() -> str:
    """16 hex digits that change with the package's own files and with the versions of `LIBRARIES`.

    Files are told by name, size and time, not read: for caches, where a false alarm costs time and nothing else.
    """
    return digests.short(repr([*seen(Path(__file__).parent), versions()]))


def seen(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size in bytes and time in ns of every file below a folder, but what Python compiled."""
    found = ((path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*")))
    known = ((name, path.stat()) for name, path in found if "__pycache__" not in name and path.is_file())
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in known]


def versions() -> dict[str, str]:
    """The versions of the libraries at hand."""
    return {name: found for name in LIBRARIES if (found := _version(name))}


def commit() -> str | None:
    """The commit of the working tree that Mirante runs from, None where it is installed without one."""
    try:
        found = subprocess.run(  # noqa: S603 - a fixed command
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],  # noqa: S607 - from the path on purpose
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def device_of(model: Any) -> str:
    """What a model runs on: `"cpu"`, or the name of its GPU."""
    device = getattr(model, "device", None)
    if getattr(device, "type", "cpu") != "cuda":
        return str(device or "cpu")
    import torch

    return str(torch.cuda.get_device_name(device))


def cache_root(variables: Mapping[str, str]) -> Path:
    """Where programs keep what they can make again, by the environment's `variables` (XDG Base Directory)."""
    return Path(variables.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def data_root(variables: Mapping[str, str]) -> Path:
    """Where programs keep what they cannot make again, by the environment's `variables` (XDG Base Directory)."""
    return Path(variables.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def memory() -> tuple[int, int]:
    """Bytes of memory of this machine, all and at hand; half of all where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        known = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines}
        return known["MemTotal"], known["MemAvailable"]
    except (OSError, KeyError, ValueError):
        pages = os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
        whole = pages * os.sysconf("SC_PAGE_SIZE") if pages else 8 << 30
        return whole, whole // 2


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
