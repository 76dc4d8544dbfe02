"""What a result was made with: versions, machine, commit, command; stored beside every number."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("mirante", "numpy", "pillow", "torch", "transformers", "tokenizers", "datasets", "faiss-cpu", "gradio")


def describe() -> dict[str, Any]:
    """Plain data for JSON: versions of the libraries at hand, Python, processor count, git commit, command."""
    return {
        "versions": {name: found for name in LIBRARIES if (found := _version(name))},
        "python": platform.python_version(),
        "system": platform.system(),
        "processors": os.cpu_count(),
        "commit": commit(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


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


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
