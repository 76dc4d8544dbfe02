"""Caches of models and data: where they are, how large, and how much room their disks have."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from mirante.doctor.findings import Finding, Level
from mirante.environment import cache_root

LOW_GB, LEAST_GB = 10.0, 1.0
"""Below the first a large model does not fit; below the second nothing does."""


def look() -> Iterator[Finding]:
    """Each cache, then each different disk of a cache, of this folder and of temporary files."""
    places = {"here": Path.cwd(), "temporary": Path(tempfile.gettempdir())}
    for name, path in caches(os.environ).items():
        yield _cache(name, path)
        places[name] = path
    disks: dict[int, Path] = {}
    for path in places.values():
        disks.setdefault(nearest(path).stat().st_dev, nearest(path))
    for path in disks.values():
        yield _disk(path)


def caches(environment: Mapping[str, str]) -> dict[str, Path]:
    """Where the hub's models, the hub's data sets and torch keep files, by their documented variables."""
    root = cache_root(environment)
    home = Path(environment.get("HF_HOME") or root / "huggingface")
    found = {
        "hub": environment.get("HF_HUB_CACHE") or home / "hub",
        "datasets": environment.get("HF_DATASETS_CACHE") or home / "datasets",
        "torch": environment.get("TORCH_HOME") or root / "torch",
    }
    return {name: Path(path).expanduser() for name, path in found.items()}


def size(folder: Path) -> int:
    """Bytes of the files below `folder`; links are not followed, so that a file of the hub counts once."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(Path(place) / name).st_size
            except OSError:  # gone meanwhile
                continue
    return total


def nearest(path: Path) -> Path:
    """`path`, or the nearest folder above it that exists."""
    return next(one for one in (path, *path.absolute().parents) if one.is_dir())


def _cache(name: str, path: Path) -> Finding:
    values = {"name": name, "path": str(path)}
    if not os.access(nearest(path), os.W_OK):
        return Finding("wrong", "doctor.cache-refused", values)
    if not path.is_dir():
        return Finding("ok", "doctor.cache-empty", values)
    return Finding("ok", "doctor.cache", {**values, "size": size(path) / 1e9})


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(path).free / 1e9
    level: Level = "wrong" if free < LEAST_GB else "warn" if free < LOW_GB else "ok"
    return Finding(level, "doctor.disk" if level == "ok" else "doctor.disk-low", {"path": str(path), "free": free})
